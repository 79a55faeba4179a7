#include "change/server_hash.h"

#include <bit>
#include <cstring>

namespace sluice {
namespace {

struct State {
  uint32_t a, b, c;

  void Mix() {
    a -= c; a ^= std::rotl(c, 4); c += b;
    b -= a; b ^= std::rotl(a, 6); a += c;
    c -= b; c ^= std::rotl(b, 8); b += a;
    a -= c; a ^= std::rotl(c, 16); c += b;
    b -= a; b ^= std::rotl(a, 19); a += c;
    c -= b; c ^= std::rotl(b, 4); b += a;
  }
  void End() {
    c ^= b; c -= std::rotl(b, 14);
    a ^= c; a -= std::rotl(c, 11);
    b ^= a; b -= std::rotl(a, 25);
    c ^= b; c -= std::rotl(b, 16);
    a ^= c; a -= std::rotl(c, 4);
    b ^= a; b -= std::rotl(a, 14);
    c ^= b; c -= std::rotl(b, 24);
  }
};

}  // namespace

uint64_t ServerHash(std::string_view text, uint64_t seed) {
  const uint32_t start = 0x9e3779b9u + static_cast<uint32_t>(text.size()) + 3923095u;
  State state{start, start, start};
  if (seed != 0) {
    state.a += static_cast<uint32_t>(seed >> 32);
    state.b += static_cast<uint32_t>(seed);
    state.Mix();
  }
  uint32_t words[3];
  for (; text.size() >= sizeof words; text.remove_prefix(sizeof words)) {
    std::memcpy(words, text.data(), sizeof words);
    state.a += words[0];
    state.b += words[1];
    state.c += words[2];
    state.Mix();
  }
  // The lowest byte of c is the length's.
  unsigned char rest[12] = {};
  if (!text.empty()) std::memcpy(rest, text.data(), text.size() < 8 ? text.size() : 8);
  for (size_t i = 8; i < text.size(); ++i) rest[i + 1] = static_cast<unsigned char>(text[i]);
  std::memcpy(words, rest, sizeof words);
  state.a += words[0];
  state.b += words[1];
  state.c += words[2];
  state.End();
  return static_cast<uint64_t>(state.b) << 32 | state.c;
}

}  // namespace sluice
