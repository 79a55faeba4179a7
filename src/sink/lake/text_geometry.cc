#include <bit>

#include "sink/lake/text_forms.h"

namespace sluice::text {
namespace {

void AppendNumber(ByteReader& reader, std::string& out) { AppendFloat8(std::bit_cast<double>(reader.Read<uint64_t>()), out); }

void AppendPoint(ByteReader& reader, std::string& out) {
  out.push_back('(');
  AppendNumber(reader, out);
  out.push_back(',');
  AppendNumber(reader, out);
  out.push_back(')');
}

bool AppendPoints(ByteReader& reader, std::string& out) {
  const auto points = reader.Read<int32_t>();
  if (points < 0 || reader.rest_size() != static_cast<size_t>(points) * 16) return false;
  for (int32_t i = 0; i < points; ++i) {
    if (i > 0) out.push_back(',');
    AppendPoint(reader, out);
  }
  return true;
}

}  // namespace

bool Point(Bytes value, std::string& out) {
  ByteReader reader(value);
  AppendPoint(reader, out);
  return reader.ok() && reader.at_end();
}

bool Line(Bytes value, std::string& out) {
  ByteReader reader(value);
  for (const char before : {'{', ',', ','}) {
    out.push_back(before);
    AppendNumber(reader, out);
  }
  out.push_back('}');
  return reader.ok() && reader.at_end();
}

bool Lseg(Bytes value, std::string& out) {
  ByteReader reader(value);
  out.push_back('[');
  AppendPoint(reader, out);
  out.push_back(',');
  AppendPoint(reader, out);
  out.push_back(']');
  return reader.ok() && reader.at_end();
}

bool Box(Bytes value, std::string& out) {
  ByteReader reader(value);
  AppendPoint(reader, out);
  out.push_back(',');
  AppendPoint(reader, out);
  return reader.ok() && reader.at_end();
}

// closed: byte | points: int32 | points
bool Path(Bytes value, std::string& out) {
  ByteReader reader(value);
  const bool closed = reader.Read<uint8_t>() != 0;
  out.push_back(closed ? '(' : '[');
  if (!AppendPoints(reader, out)) return false;
  out.push_back(closed ? ')' : ']');
  return reader.ok();
}

bool Polygon(Bytes value, std::string& out) {
  ByteReader reader(value);
  out.push_back('(');
  if (!AppendPoints(reader, out)) return false;
  out.push_back(')');
  return reader.ok();
}

bool Circle(Bytes value, std::string& out) {
  ByteReader reader(value);
  out.push_back('<');
  AppendPoint(reader, out);
  out.push_back(',');
  AppendNumber(reader, out);
  out.push_back('>');
  return reader.ok() && reader.at_end();
}

// dimensions: int16 | unused: int16 | float4 each
bool Vector(Bytes value, std::string& out) {
  ByteReader reader(value);
  const auto dimensions = reader.Read<uint16_t>();
  reader.Read<int16_t>();
  if (!reader.ok() || reader.rest_size() != dimensions * size_t{4}) return false;
  out.push_back('[');
  for (uint16_t i = 0; i < dimensions; ++i) {
    if (i > 0) out.push_back(',');
    Float4(reader.ReadBytes(4), out);
  }
  out.push_back(']');
  return true;
}

}  // namespace sluice::text
