#include "sink/lake/row_digest.h"

#include "sink/lake/key_codec.h"

namespace sluice {

void RowDigest::Add(std::span<const Cell> cells) {
  canonical_.clear();
  for (const Cell& cell : cells) AppendCanonical(cell, canonical_);
  const RowKey hash = HashOf(canonical_);
  ++digest_.rows;
  digest_.sum_low += hash.low;
  digest_.sum_high += hash.high + (digest_.sum_low < hash.low ? 1 : 0);
}

}  // namespace sluice
