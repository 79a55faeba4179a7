#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

/// What hashtextextended(text COLLATE "C", seed) gives on a little-endian server: Bob Jenkins's lookup3, of which
/// PostgreSQL keeps 64 bits. Hash partitions rely on it, so it stays from version to version.
uint64_t ServerHash(std::string_view text, uint64_t seed);

}  // namespace sluice
