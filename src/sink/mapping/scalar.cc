#include "sink/mapping/scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include "sink/mapping/calendar.h"
#include "sink/mapping/numeric.h"

namespace sluice::mapping {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

void AppendHex(Bytes bytes, std::string& out) {
  for (const std::byte byte : bytes) {
    out.push_back(kHexDigits[std::to_integer<size_t>(byte) >> 4]);
    out.push_back(kHexDigits[std::to_integer<size_t>(byte) & 15]);
  }
}

bool ParseInteger(std::string_view text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

template <class T>
bool LoadInteger(Bytes bytes, int64_t& number) {
  if (bytes.size() != sizeof(T)) return false;
  number = LoadBigEndian<T>(bytes.data());
  return true;
}

bool DecodeBinaryNumber(ScalarKind kind, Bytes bytes, int64_t& number) {
  switch (kind) {
    case ScalarKind::kBool:
      if (bytes.size() != 1) return false;
      number = bytes[0] == std::byte{0} ? 0 : 1;
      return true;
    case ScalarKind::kInt2: return LoadInteger<int16_t>(bytes, number);
    case ScalarKind::kInt4: return LoadInteger<int32_t>(bytes, number);
    case ScalarKind::kDate:
      if (!LoadInteger<int32_t>(bytes, number)) return false;
      if (number == std::numeric_limits<int32_t>::max()) number = kInfiniteFuture;
      if (number == std::numeric_limits<int32_t>::min()) number = kInfinitePast;
      return true;
    default: return LoadInteger<int64_t>(bytes, number);
  }
}

bool DecodeTextNumber(ScalarKind kind, std::string_view text, int64_t& number) {
  if (kind == ScalarKind::kBool) {
    number = text == "t" ? 1 : 0;
    return text == "t" || text == "f";
  }
  if (IsInteger(kind)) return ParseInteger(text, number);
  const std::optional<int64_t> parsed = kind == ScalarKind::kDate ? ParseDate(text) : ParseTimestamp(text);
  number = parsed.value_or(0);
  return parsed.has_value();
}

// uuid and bytea as the server prints them.
bool DecodeBinaryText(ScalarKind kind, Bytes bytes, std::string& scratch) {
  if (kind == ScalarKind::kNumeric) return NumericToText(bytes, scratch);
  if (kind == ScalarKind::kBytes) {
    scratch = "\\x";
    AppendHex(bytes, scratch);
    return true;
  }
  if (bytes.size() != 16) return false;
  for (size_t at = 0; at < 16; ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) scratch.push_back('-');
    AppendHex(bytes.subspan(at, 1), scratch);
  }
  return true;
}

std::string_view WithoutBlanks(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

ScalarKind KindOf(const Type* outer) {
  if (outer == nullptr) return ScalarKind::kOther;
  const Type& type = BaseOf(*outer);
  if (type.kind == TypeKind::kEnum) return ScalarKind::kEnum;
  if (type.kind != TypeKind::kBase) return ScalarKind::kOther;
  if (type.extension == "citext" && type.name == "citext") return ScalarKind::kText;
  switch (type.oid) {
    case 16: return ScalarKind::kBool;
    case 17: return ScalarKind::kBytes;
    case 19: case 25: case 1043: return ScalarKind::kText;
    case 20: return ScalarKind::kInt8;
    case 21: return ScalarKind::kInt2;
    case 23: return ScalarKind::kInt4;
    case 114: case 142: return ScalarKind::kDocument;
    case 1042: return ScalarKind::kPaddedText;
    case 1082: return ScalarKind::kDate;
    case 1114: return ScalarKind::kTimestamp;
    case 1184: return ScalarKind::kTimestamptz;
    case 1700: return ScalarKind::kNumeric;
    case 2950: return ScalarKind::kUuid;
    case 3802: return ScalarKind::kJsonb;
    default: return ScalarKind::kOther;
  }
}

bool IsTextLike(ScalarKind kind) { return kind == ScalarKind::kText || kind == ScalarKind::kPaddedText; }

bool IsInteger(ScalarKind kind) { return kind == ScalarKind::kInt2 || kind == ScalarKind::kInt4 || kind == ScalarKind::kInt8; }

bool IsNumber(ScalarKind kind) {
  return IsInteger(kind) || kind == ScalarKind::kBool || kind == ScalarKind::kDate || kind == ScalarKind::kTimestamp || kind == ScalarKind::kTimestamptz;
}

bool Decode(ScalarKind kind, const Value& value, std::string& scratch, Scalar& out) {
  const bool binary = value.kind == ValueKind::kBinary;
  if (IsNumber(kind)) return binary ? DecodeBinaryNumber(kind, value.bytes, out.number) : DecodeTextNumber(kind, AsText(value.bytes), out.number);
  const std::string_view text = AsText(value.bytes);
  scratch.clear();
  if (kind == ScalarKind::kNumeric || (binary && (kind == ScalarKind::kUuid || kind == ScalarKind::kBytes))) {
    if (binary ? !DecodeBinaryText(kind, value.bytes, scratch) : !CanonicalNumeric(text, scratch)) return false;
    out.text = scratch;
    return true;
  }
  // jsonb: version 1, then its text.
  if (kind == ScalarKind::kJsonb && binary) {
    if (text.empty() || text[0] != 1) return false;
    out.text = text.substr(1);
    return true;
  }
  out.text = kind == ScalarKind::kPaddedText ? WithoutBlanks(text) : text;
  return kind != ScalarKind::kOther;
}

void AppendCanonical(ScalarKind kind, const Scalar& scalar, std::string& out) {
  if (!IsNumber(kind)) return static_cast<void>(out.append(scalar.text));
  if (kind == ScalarKind::kDate) return AppendDate(scalar.number, out);
  if (kind == ScalarKind::kBool) return out.push_back(scalar.number != 0 ? 't' : 'f');
  if (IsInteger(kind)) return static_cast<void>(fmt::format_to(std::back_inserter(out), "{}", scalar.number));
  AppendTimestamp(scalar.number, kind == ScalarKind::kTimestamptz, out);
}

std::optional<Literal> ParseLiteral(ScalarKind kind, const Type& type, const std::string& text) {
  Literal literal;
  switch (kind) {
    case ScalarKind::kOther:
    case ScalarKind::kDocument:
    case ScalarKind::kJsonb:
    case ScalarKind::kBytes:
      return std::nullopt;
    case ScalarKind::kText:
      literal.text = text;
      return literal;
    case ScalarKind::kPaddedText:
      literal.text = WithoutBlanks(text);
      return literal;
    case ScalarKind::kEnum: {
      const std::vector<std::string>& labels = BaseOf(type).labels;
      const auto found = std::find(labels.begin(), labels.end(), text);
      if (found == labels.end()) return std::nullopt;
      literal.text = text;
      literal.number = found - labels.begin();
      return literal;
    }
    case ScalarKind::kUuid:
      for (const char c : text) literal.text.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
      if (text.size() != 36 || literal.text.find_first_not_of("0123456789abcdef-") != std::string::npos) return std::nullopt;
      return literal;
    case ScalarKind::kNumeric:
      return CanonicalNumeric(text, literal.text) ? std::optional(literal) : std::nullopt;
    case ScalarKind::kBool:
      literal.number = text == "true" || text == "t" ? 1 : 0;
      return literal.number == 1 || text == "false" || text == "f" ? std::optional(literal) : std::nullopt;
    case ScalarKind::kInt2:
    case ScalarKind::kInt4:
    case ScalarKind::kInt8:
    case ScalarKind::kDate:
    case ScalarKind::kTimestamp:
    case ScalarKind::kTimestamptz:
      return DecodeTextNumber(kind, text, literal.number) ? std::optional(literal) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace sluice::mapping
