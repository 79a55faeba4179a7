#include "audit/bound.h"

#include <bit>
#include <cstdint>

namespace sluice::audit {
namespace {

constexpr size_t kDecimalBytesMax = 16;

uint64_t LittleEndian(std::string_view bytes) {
  uint64_t bits = 0;
  for (size_t i = bytes.size(); i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
  return bits;
}

std::optional<Bound> Integer(std::string_view bytes) {
  if (bytes.size() == 4) return static_cast<__int128>(static_cast<int32_t>(LittleEndian(bytes)));
  if (bytes.size() == 8) return static_cast<__int128>(static_cast<int64_t>(LittleEndian(bytes)));
  return std::nullopt;
}

// A column that was float before it was double has bounds of four bytes still.
std::optional<Bound> Float(std::string_view bytes) {
  if (bytes.size() == 4) return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(LittleEndian(bytes))));
  if (bytes.size() == 8) return std::bit_cast<double>(LittleEndian(bytes));
  return std::nullopt;
}

std::optional<Bound> BigEndian(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kDecimalBytesMax) return std::nullopt;
  unsigned __int128 value = static_cast<signed char>(bytes[0]) < 0 ? ~static_cast<unsigned __int128>(0) : 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<__int128>(value);
}

}  // namespace

std::optional<Bound> DecodeBound(const std::string& type, std::string_view bytes) {
  if (type == "boolean") return bytes.size() == 1 ? std::optional<Bound>(static_cast<__int128>(bytes[0] != 0)) : std::nullopt;
  if (type == "int" || type == "date") return bytes.size() == 4 ? Integer(bytes) : std::nullopt;
  if (type == "long" || type == "time" || type.starts_with("timestamp")) return Integer(bytes);
  if (type == "float") return bytes.size() == 4 ? Float(bytes) : std::nullopt;
  if (type == "double") return Float(bytes);
  if (type.starts_with("decimal")) return BigEndian(bytes);
  if (type == "uuid" && bytes.size() != 16) return std::nullopt;
  return Bound(std::string(bytes));
}

std::optional<Bound> DecodeStatistic(const std::string& type, std::string_view bytes, bool little_endian) {
  if (type.starts_with("decimal") && little_endian) return Integer(bytes);
  if (type == "date" || type == "int") return Integer(bytes);
  return DecodeBound(type, bytes);
}

std::partial_ordering Compare(const Bound& left, const Bound& right) {
  if (left.index() != right.index()) return std::partial_ordering::unordered;
  if (const auto* number = std::get_if<__int128>(&left)) return *number <=> std::get<__int128>(right);
  if (const auto* number = std::get_if<double>(&left)) return *number <=> std::get<double>(right);
  return std::get<std::string>(left) <=> std::get<std::string>(right);
}

}  // namespace sluice::audit
