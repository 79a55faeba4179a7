#include "pipeline/acknowledgement.h"

#include <algorithm>

#include "base/check.h"

namespace sluice {

Lsn NextAcknowledged(Lsn acknowledged, Lsn received, std::span<const Lsn> durable) {
  SLUICE_CHECK(!durable.empty());  // Without a sink nothing is durable anywhere.
  const Lsn everywhere = *std::min_element(durable.begin(), durable.end());
  return std::max(acknowledged, std::min(received, everywhere));
}

}  // namespace sluice
