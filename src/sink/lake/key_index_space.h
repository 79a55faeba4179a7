#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice {

/// Where the key indexes of a lake lie, and the memory that those of all its tables may take together. Thread-safe.
class KeyIndexSpace {
 public:
  /// `folder`: of the files that take what memory may not hold; empty: they are in memory too, which is for tests.
  KeyIndexSpace(std::string folder, uint64_t memory_bytes_max) : folder_(std::move(folder)), memory_bytes_max_(memory_bytes_max) {}

  const std::string& folder() const { return folder_; }

  void Join() { ++indexes_; }
  void Leave(size_t bytes) {
    --indexes_;
    used_ -= bytes;
  }
  void Resize(size_t from, size_t to) { used_ += to - from; }

  /// Whether an index with `bytes` of recent keys has to put them into a file. Tables that rest keep what they have, so no
  /// index gets more than a sixteenth; once half of the memory is taken, each that works has its part of a quarter. The
  /// last quarter is for what comes between two looks.
  bool IsTooMuch(size_t bytes) const {
    if (bytes > memory_bytes_max_ / 16) return true;
    return used_ > memory_bytes_max_ / 2 && bytes > memory_bytes_max_ / (4 * indexes_ + 1) && bytes > kWorthAFile;
  }

 private:
  static constexpr size_t kWorthAFile = 16 << 10;

  const std::string folder_;
  const uint64_t memory_bytes_max_;
  std::atomic<uint64_t> indexes_ = 0;
  std::atomic<uint64_t> used_ = 0;
};

}  // namespace sluice
