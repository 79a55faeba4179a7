#include "sink/mapping/mask_value.h"

#include <limits>

namespace sluice::mapping {
namespace {

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

int64_t CharactersIn(std::string_view text) {
  int64_t count = 0;
  for (const char c : text) count += StartsCharacter(c) ? 1 : 0;
  return count;
}

}  // namespace

void AppendPartial(std::string_view text, int first, int last, std::string& out) {
  const int64_t count = CharactersIn(text);
  const bool any_stays = count > int64_t{first} + last;
  int64_t index = -1;
  for (const char c : text) {
    const bool starts = StartsCharacter(c);
    index += starts ? 1 : 0;
    if (any_stays && (index < first || index >= count - last)) out.push_back(c);
    else if (starts) out.push_back('*');
  }
}

void AppendFirst(std::string_view text, int64_t characters, bool padded, std::string& out) {
  int64_t index = -1;
  for (const char c : text) {
    index += StartsCharacter(c) ? 1 : 0;
    if (index < characters) out.push_back(c);
    else if (!padded) return;
    else if (StartsCharacter(c)) out.push_back(' ');
  }
}

void AppendBinaryNumber(ScalarKind kind, int64_t number, std::string& out) {
  if (kind == ScalarKind::kBool) return out.push_back(static_cast<char>(number));
  if (kind == ScalarKind::kInt2) return AppendBigEndian(out, static_cast<int16_t>(number));
  if (kind == ScalarKind::kInt4) return AppendBigEndian(out, static_cast<int32_t>(number));
  if (kind != ScalarKind::kDate) return AppendBigEndian(out, number);
  using Int32 = std::numeric_limits<int32_t>;
  AppendBigEndian(out, number == kInfiniteFuture ? Int32::max() : number == kInfinitePast ? Int32::min() : static_cast<int32_t>(number));
}

}  // namespace sluice::mapping
