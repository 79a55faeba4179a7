#pragma once
// Keys as the index holds them: numbers that are evenly spread, so that their upper bits say where they lie.

#include <compare>
#include <cstdint>

#include "sink/lake/key_codec.h"
#include "sink/lake/row_location.h"

namespace sluice {

/// A narrow key's 64 bits, or 96 of the 128 bits of a wide one: among a billion rows the chance that any two of these
/// meet is below 10^-11, which is far below that of a wrong bit on a disk.
struct IndexKey {
  uint64_t high = 0;
  uint32_t low = 0;  ///< 0 in narrow keys.

  auto operator<=>(const IndexKey&) const = default;
};

/// splitmix64: a bijection, so that two keys of eight bytes never meet.
inline uint64_t MixBits(uint64_t value) {
  value ^= value >> 30;
  value *= 0xBF58476D1CE4E5B9ull;
  value ^= value >> 27;
  value *= 0x94D049BB133111EBull;
  return value ^ value >> 31;
}

inline IndexKey IndexKeyOf(const RowKey& key, bool narrow) {
  return narrow ? IndexKey{MixBits(key.low), 0} : IndexKey{key.high, static_cast<uint32_t>(key.low)};
}

struct NarrowEntry {
  uint64_t high;
  RowLocation at;

  static NarrowEntry Of(const IndexKey& key, RowLocation at) { return {key.high, at}; }
  IndexKey key() const { return {high, 0}; }
  auto operator<=>(const NarrowEntry&) const = default;
};

struct WideEntry {
  uint64_t high;
  uint32_t low;
  RowLocation at;

  static WideEntry Of(const IndexKey& key, RowLocation at) { return {key.high, key.low, at}; }
  IndexKey key() const { return {high, low}; }
  auto operator<=>(const WideEntry&) const = default;
};

}  // namespace sluice
