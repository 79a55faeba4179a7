#include "sink/lake/text_forms.h"

namespace sluice::text {
namespace {

constexpr char kLower[] = "0123456789abcdef";
constexpr char kUpper[] = "0123456789ABCDEF";

void AppendDigits(Bytes value, const char* digits, std::string& out) {
  for (const std::byte byte : value) {
    out.push_back(digits[std::to_integer<int>(byte) >> 4]);
    out.push_back(digits[std::to_integer<int>(byte) & 15]);
  }
}

}  // namespace

void AppendQuoted(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

bool Plain(Bytes value, std::string& out) {
  out.append(AsText(value));
  return true;
}

bool Versioned(Bytes value, std::string& out) {
  if (value.empty() || value[0] != std::byte{1}) return false;
  out.append(AsText(value.subspan(1)));
  return true;
}

void AppendHex(Bytes value, std::string& out) { AppendDigits(value, kLower, out); }

bool UpperHex(Bytes value, std::string& out) {
  AppendDigits(value, kUpper, out);
  return true;
}

bool Bytea(Bytes value, std::string& out) {
  out.append("\\x");
  AppendDigits(value, kLower, out);
  return true;
}

bool Uuid(Bytes value, std::string& out) {
  if (value.size() != 16) return false;
  size_t at = 0;
  for (const size_t length : {4u, 2u, 2u, 2u, 6u}) {
    if (at > 0) out.push_back('-');
    AppendDigits(value.subspan(at, length), kLower, out);
    at += length;
  }
  return true;
}

// bits: int32 | the bits, the first in the highest place
bool Bits(Bytes value, std::string& out) {
  ByteReader reader(value);
  const auto bits = reader.Read<int32_t>();
  if (!reader.ok() || bits < 0) return false;
  const auto count = static_cast<size_t>(bits);
  if (reader.rest_size() != (count + 7) / 8) return false;
  for (size_t i = 0; i < count; ++i) {
    out.push_back((std::to_integer<unsigned>(reader.rest()[i / 8]) >> (7 - i % 8) & 1) != 0 ? '1' : '0');
  }
  return true;
}

// Prints bytes above 127 as \ooo, and nothing for zero.
bool Char(Bytes value, std::string& out) {
  if (value.size() != 1) return false;
  const auto byte = std::to_integer<unsigned>(value[0]);
  if (byte > 127) {
    out.push_back('\\');
    for (const unsigned shift : {6u, 3u, 0u}) out.push_back(static_cast<char>('0' + (byte >> shift & 7)));
  } else if (byte != 0) {
    out.push_back(static_cast<char>(byte));
  }
  return true;
}

// pairs: int32 | per pair  key length: int32 | key | value length: int32, -1 for null | value
bool Hstore(Bytes value, std::string& out) {
  ByteReader reader(value);
  const auto pairs = reader.Read<int32_t>();
  for (int32_t i = 0; i < pairs && reader.ok(); ++i) {
    if (i > 0) out.append(", ");
    AppendQuoted(AsText(reader.ReadBytes(reader.Read<uint32_t>())), out);
    out.append("=>");
    const auto length = reader.Read<int32_t>();
    if (length < 0) {
      out.append("NULL");
    } else {
      AppendQuoted(AsText(reader.ReadBytes(static_cast<size_t>(length))), out);
    }
  }
  return reader.ok() && reader.at_end() && pairs >= 0;
}

// escape_json of PostgreSQL's json.c.
void AppendJsonString(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '\b': out.append("\\b"); break;
      case '\f': out.append("\\f"); break;
      case '\n': out.append("\\n"); break;
      case '\r': out.append("\\r"); break;
      case '\t': out.append("\\t"); break;
      case '"': out.append("\\\""); break;
      case '\\': out.append("\\\\"); break;
      default:
        if (static_cast<unsigned char>(c) < ' ') {
          out.append("\\u00");
          out.push_back(kLower[c >> 4]);
          out.push_back(kLower[c & 15]);
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

}  // namespace sluice::text
