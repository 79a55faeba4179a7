#pragma once
// What every fuzz target shares: taking an input apart, and failing loudly.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/bytes.h"

/// A property that holds for every input. Aborts, so that the fuzzer keeps the input.
#define FUZZ_CHECK(condition)                                                                     \
  do {                                                                                            \
    if (!(condition)) {                                                                           \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
      std::abort();                                                                               \
    }                                                                                             \
  } while (false)

namespace sluice::fuzz {

/// Takes choices off the front of an input; what is left is the bytes under test. An exhausted input gives zeros.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(std::as_bytes(std::span(data, size))) {}

  uint8_t Byte() {
    const Bytes byte = Take(1);
    return byte.empty() ? uint8_t{0} : std::to_integer<uint8_t>(byte[0]);
  }
  /// 0 to `count` - 1.
  size_t Choice(size_t count) { return Byte() % count; }
  int32_t Int32() {
    const Bytes field = Take(4);
    return field.size() == 4 ? LoadBigEndian<int32_t>(field.data()) : 0;
  }
  /// One of a sequence of pieces, each behind its length in two bytes.
  Bytes Piece() {
    const size_t high = Byte();
    return Take(high << 8 | Byte());
  }
  Bytes Take(size_t count) {
    const Bytes taken = rest_.first(count < rest_.size() ? count : rest_.size());
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  Bytes rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  Bytes rest_;
};

}  // namespace sluice::fuzz
