#include "change/stored_rows.h"

#include <algorithm>

namespace sluice {

bool Buckets::Contains(uint64_t hash) const {
  return within_bits == 0 || std::binary_search(within.begin(), within.end(), hash & ((uint64_t{1} << within_bits) - 1));
}

}  // namespace sluice
