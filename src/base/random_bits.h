#pragma once

#include <cstdint>

namespace sluice {

/// 64 bits that nobody foretells, from the kernel.
uint64_t RandomBits();

}  // namespace sluice
