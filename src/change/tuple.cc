#include "change/tuple.h"

namespace sluice {

size_t MeasureTuple(Bytes bytes, size_t columns) {
  if (bytes.size() < 2) return 0;
  if (static_cast<uint16_t>(LoadBigEndian<int16_t>(bytes.data())) != columns) return 0;
  size_t at = 2;
  for (size_t i = 0; i < columns; ++i) {
    if (at >= bytes.size()) return 0;
    const auto kind = static_cast<ValueKind>(bytes[at++]);
    if (kind == ValueKind::kNull || kind == ValueKind::kUnchanged) continue;
    if (kind != ValueKind::kText && kind != ValueKind::kBinary) return 0;
    if (bytes.size() - at < 4) return 0;
    const auto length = LoadBigEndian<int32_t>(bytes.data() + at);
    at += 4;
    if (length < 0 || static_cast<size_t>(length) > bytes.size() - at) return 0;
    at += static_cast<size_t>(length);
  }
  return at;
}

}  // namespace sluice
