#include "base/random_bits.h"

#include <sys/random.h>

#include "base/check.h"

namespace sluice {

uint64_t RandomBits() {
  uint64_t bits = 0;
  // So few bytes are never cut short, and wait only for the first entropy after a boot.
  SLUICE_CHECK(getrandom(&bits, sizeof bits, 0) == sizeof bits);
  return bits;
}

}  // namespace sluice
