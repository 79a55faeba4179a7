#pragma once
// For tests: every way in which a file is cut off, and many in which its bytes are wrong.

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

namespace sluice::iceberg {

/// Calls `read(bytes)` with each prefix and with `rounds` damaged copies; `read` may fail but must
/// return.
template <class Read>
void ReadDamaged(const std::string& bytes, int rounds, Read&& read) {
  for (size_t size = 0; size < bytes.size(); ++size) read(bytes.substr(0, size));
  constexpr uint32_t kSeed = 20260301;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < rounds; ++round) {
    std::string damaged = bytes;
    const size_t flips = 1 + random() % 4;
    for (size_t i = 0; i < flips; ++i)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    read(damaged);
  }
}

}  // namespace sluice::iceberg
