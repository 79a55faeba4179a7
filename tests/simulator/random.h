#pragma once
// The one source of chance: xoshiro256**, whose numbers are the same on every machine.

#include <cstdint>
#include <vector>

namespace sluice::simulator {

class Random {
 public:
  /// Streams of one seed are independent: more draws from one leave the others as they are.
  Random(uint64_t seed, uint64_t stream) {
    uint64_t state = seed * 0x9E3779B97F4A7C15ull + stream * 0xD1B54A32D192ED03ull + 1;
    for (uint64_t& word : words_) word = Mix(state += 0x9E3779B97F4A7C15ull);
  }

  uint64_t Next() {
    const uint64_t result = Rotate(words_[1] * 5, 7) * 9;
    const uint64_t shifted = words_[1] << 17;
    words_[2] ^= words_[0];
    words_[3] ^= words_[1];
    words_[1] ^= words_[2];
    words_[0] ^= words_[3];
    words_[2] ^= shifted;
    words_[3] = Rotate(words_[3], 45);
    return result;
  }

  /// 0 … end - 1.
  uint64_t Below(uint64_t end) { return Next() % end; }
  /// first … last.
  int64_t Between(int64_t first, int64_t last) { return first + static_cast<int64_t>(Below(static_cast<uint64_t>(last - first + 1))); }
  bool Chance(double probability) { return static_cast<double>(Next() >> 11) * 0x1p-53 < probability; }
  template <class T>
  const T& Pick(const std::vector<T>& from) { return from[Below(from.size())]; }

  static uint64_t Mix(uint64_t word) {
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ull;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBull;
    return word ^ (word >> 31);
  }

 private:
  static uint64_t Rotate(uint64_t word, int by) { return (word << by) | (word >> (64 - by)); }

  uint64_t words_[4];
};

}  // namespace sluice::simulator
