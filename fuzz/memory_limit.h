#pragma once
// Input must not size allocations beyond a small multiple of itself.

#include <cstddef>

namespace sluice::fuzz {

/// From construction on, aborts as soon as the memory held beyond what was held before passes
/// `base_bytes` + `factor` × `input_bytes`. One at a time.
class MemoryLimit {
 public:
  MemoryLimit(size_t input_bytes, size_t factor, size_t base_bytes = size_t{1} << 20);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
};

}  // namespace sluice::fuzz
