#include "sink/lake/text_writer.h"

#include <utility>
#include <vector>

#include "sink/lake/pg_type_oid.h"
#include "sink/lake/text_forms.h"
#include "sink/lake/value_text.h"
#include "sink/lake/value_text_parts.h"

namespace sluice {
namespace {

bool UnknownBinary(Bytes value, std::string& out) { return text::Bytea(value, out); }

text::Form FormOfExtension(const Type& type) {
  if (type.extension == "citext") return text::Plain;
  if (type.extension == "hstore") return type.name == "hstore" ? text::Hstore : nullptr;
  if (type.extension == "ltree") return text::Versioned;  // ltree, lquery, ltxtquery
  if (type.extension == "vector") return type.name == "vector" ? text::Vector : nullptr;
  if (type.extension.starts_with("postgis") && (type.name == "geometry" || type.name == "geography")) return text::UpperHex;
  return nullptr;
}

text::Form FormOf(const Type& type) {
  switch (type.oid) {
    case pg::kBool: return text::Bool;
    case pg::kInt2: return text::Int2;
    case pg::kInt4: return text::Int4;
    case pg::kInt8: return text::Int8;
    case pg::kOid:
    case pg::kXid:
    case pg::kCid:
    case pg::kRegproc:
    case pg::kRegprocedure:
    case pg::kRegoper:
    case pg::kRegoperator:
    case pg::kRegclass:
    case pg::kRegtype:
    case pg::kRegconfig:
    case pg::kRegdictionary:
    case pg::kRegnamespace:
    case pg::kRegrole:
    case pg::kRegcollation: return text::Unsigned4;
    case pg::kXid8: return text::Unsigned8;
    case pg::kFloat4: return text::Float4;
    case pg::kFloat8: return text::Float8;
    case pg::kNumeric: return text::Numeric;
    case pg::kMoney: return text::Money;
    case pg::kText:
    case pg::kVarchar:
    case pg::kBpchar:
    case pg::kName:
    case pg::kJson:
    case pg::kXml:
    case pg::kUnknown:
    case pg::kRefcursor: return text::Plain;
    case pg::kChar: return text::Char;
    case pg::kJsonb:
    case pg::kJsonpath: return text::Versioned;
    case pg::kBytea: return text::Bytea;
    case pg::kUuid: return text::Uuid;
    case pg::kBit:
    case pg::kVarbit: return text::Bits;
    case pg::kDate: return text::Date;
    case pg::kTime: return text::Time;
    case pg::kTimetz: return text::Timetz;
    case pg::kTimestamp: return text::Timestamp;
    case pg::kTimestamptz: return text::Timestamptz;
    case pg::kInterval: return text::Interval;
    case pg::kInet: return text::Inet;
    case pg::kCidr: return text::Cidr;
    case pg::kMacaddr: return text::Macaddr;
    case pg::kMacaddr8: return text::Macaddr8;
    case pg::kPoint: return text::Point;
    case pg::kLine: return text::Line;
    case pg::kLseg: return text::Lseg;
    case pg::kBox: return text::Box;
    case pg::kPath: return text::Path;
    case pg::kPolygon: return text::Polygon;
    case pg::kCircle: return text::Circle;
    case pg::kTsvector: return text::Tsvector;
    case pg::kTsquery: return text::Tsquery;
    case pg::kPgLsn: return text::PgLsn;
    case pg::kTid: return text::Tid;
    case pg::kTxidSnapshot:
    case pg::kPgSnapshot: return text::Snapshot;
    case pg::kInt2Vector:
    case pg::kOidVector: return text::IntegerVector;
    default: return type.kind == TypeKind::kEnum ? text::Plain : FormOfExtension(type);
  }
}

class SimpleWriter final : public TextWriter {
 public:
  explicit SimpleWriter(text::Form form) : form_(form) {}
  bool Write(Bytes value, std::string& out) const override { return form_(value, out); }
  bool writes_server_text() const override { return form_ != UnknownBinary && form_ != text::Money; }
  bool RewriteText(std::string_view text, std::string& out) const override {
    if (form_ != text::Money) return TextWriter::RewriteText(text, out);
    int64_t cents = 0;
    if (!text::ParseMoney(text, cents)) return false;
    std::byte bytes[sizeof cents];
    StoreBigEndian(bytes, cents);
    return text::Money(bytes, out);
  }

 private:
  const text::Form form_;
};

// Numbers stand bare in JSON, unless JSON has no such number.
class NumberWriter final : public TextWriter {
 public:
  explicit NumberWriter(text::Form form) : form_(form) {}
  bool Write(Bytes value, std::string& out) const override { return form_(value, out); }
  bool WriteJson(Bytes value, std::string& out) const override {
    const size_t before = out.size();
    if (!form_(value, out)) return false;
    const char last = out.back();  // NaN and Infinity end in a letter.
    if (last < '0' || last > '9') {
      out.insert(before, 1, '"');
      out.push_back('"');
    }
    return true;
  }
  bool RewriteJson(std::string_view text, std::string& out) const override {
    if (!text::IsNumber(text)) return false;
    if (text::IsNotFinite(text)) text::AppendJsonString(text, out); else out.append(text);
    return true;
  }

 private:
  const text::Form form_;
};

class BoolWriter final : public TextWriter {
 public:
  bool Write(Bytes value, std::string& out) const override { return text::Bool(value, out); }
  bool WriteJson(Bytes value, std::string& out) const override {
    if (value.size() != 1) return false;
    out.append(value[0] != std::byte{0} ? "true" : "false");
    return true;
  }
  bool RewriteJson(std::string_view text, std::string& out) const override {
    bool value = false;
    if (!text::ParseBool(text, value)) return false;
    out.append(value ? "true" : "false");
    return true;
  }
};

// json and jsonb stand in JSON as they are; timestamps have a form of their own there.
class TwoFormsWriter final : public TextWriter {
 public:
  TwoFormsWriter(text::Form form, text::Form json, bool quoted) : form_(form), json_(json), quoted_(quoted) {}
  bool Write(Bytes value, std::string& out) const override { return form_(value, out); }
  bool WriteJson(Bytes value, std::string& out) const override {
    if (quoted_) out.push_back('"');
    if (!json_(value, out)) return false;
    if (quoted_) out.push_back('"');
    return true;
  }
  bool RewriteJson(std::string_view text, std::string& out) const override {
    if (!quoted_) return out.append(text), true;
    int64_t micros = 0;
    if (!(form_ == text::Timestamp ? text::ParseTimestamp(text, micros) : text::ParseTimestamptz(text, micros))) return false;
    std::byte bytes[sizeof micros];
    StoreBigEndian(bytes, micros);
    return WriteJson(bytes, out);
  }

 private:
  const text::Form form_, json_;
  const bool quoted_;
};

// dimensions: int32 | has null: int32 | element oid: uint32 | per dimension  length: int32, lower bound: int32
// | per element  length: int32, -1 for null, and bytes
class ArrayWriter final : public TextWriter {
 public:
  ArrayWriter(std::unique_ptr<TextWriter> element, char delimiter) : element_(std::move(element)), delimiter_(delimiter) {}
  bool Write(Bytes value, std::string& out) const override { return WriteJson(value, out); }
  bool WriteJson(Bytes value, std::string& out) const override {
    ByteReader reader(value);
    const auto dimensions = reader.Read<int32_t>();
    reader.ReadBytes(8);
    if (!reader.ok() || dimensions < 0 || dimensions > 6) return false;
    if (dimensions == 0) return out.append("[]"), true;
    int32_t lengths[6];
    for (int32_t i = 0; i < dimensions; ++i) {
      lengths[i] = reader.Read<int32_t>();
      reader.ReadBytes(4);
      if (!reader.ok() || lengths[i] <= 0) return false;
    }
    return Append(lengths, dimensions, reader, out) && reader.at_end();
  }
  bool writes_server_text() const override { return false; }
  bool RewriteText(std::string_view text, std::string& out) const override { return RewriteJson(text, out); }
  bool RewriteJson(std::string_view text, std::string& out) const override {
    using Token = text::ArrayParts::Token;
    text::ArrayParts parts(text, delimiter_);
    for (Token token = parts.Next(); token != Token::kEnd; token = parts.Next()) {
      if (token == Token::kMalformed) return false;
      if (token == Token::kClose) {
        out.push_back(']');
        continue;
      }
      if (!parts.is_first()) out.push_back(',');
      if (token == Token::kOpen) out.push_back('[');
      if (token == Token::kNull) out.append("null");
      if (token == Token::kItem && !element_->RewriteJson(parts.item(), out)) return false;
    }
    return true;
  }

 private:
  bool Append(const int32_t* lengths, int32_t dimensions, ByteReader& reader, std::string& out) const {
    out.push_back('[');
    for (int32_t i = 0; i < lengths[0]; ++i) {
      if (i > 0) out.push_back(',');
      if (dimensions > 1) {
        if (!Append(lengths + 1, dimensions - 1, reader, out)) return false;
        continue;
      }
      const auto length = reader.Read<int32_t>();
      if (!reader.ok()) return false;
      if (length < 0) {
        out.append("null");
        continue;
      }
      const Bytes item = reader.ReadBytes(static_cast<size_t>(length));
      if (!reader.ok() || !element_->WriteJson(item, out)) return false;
    }
    out.push_back(']');
    return true;
  }

  const std::unique_ptr<TextWriter> element_;
  const char delimiter_;
};

// fields: int32 | per field  type oid: uint32, length: int32, -1 for null, and bytes
class CompositeWriter final : public TextWriter {
 public:
  struct Field {
    std::string name;
    std::unique_ptr<TextWriter> writer;
  };
  explicit CompositeWriter(std::vector<Field> fields) : fields_(std::move(fields)) {}
  bool Write(Bytes value, std::string& out) const override { return WriteJson(value, out); }
  bool WriteJson(Bytes value, std::string& out) const override {
    ByteReader reader(value);
    // A value may be older or newer than what is known of its type.
    if (reader.Read<uint32_t>() != fields_.size()) return false;
    char before = '{';
    for (const Field& field : fields_) {
      out.push_back(std::exchange(before, ','));
      text::AppendJsonString(field.name, out);
      out.push_back(':');
      reader.ReadBytes(4);
      const auto length = reader.Read<int32_t>();
      if (!reader.ok()) return false;
      if (length < 0) {
        out.append("null");
        continue;
      }
      const Bytes bytes = reader.ReadBytes(static_cast<size_t>(length));
      if (!reader.ok() || !field.writer->WriteJson(bytes, out)) return false;
    }
    if (fields_.empty()) out.push_back('{');
    out.push_back('}');
    return reader.at_end();
  }
  bool writes_server_text() const override { return false; }
  bool RewriteText(std::string_view text, std::string& out) const override { return RewriteJson(text, out); }
  bool RewriteJson(std::string_view text, std::string& out) const override {
    text::RecordParts parts(text);
    char before = '{';
    for (const Field& field : fields_) {
      if (!parts.Next()) return false;
      out.push_back(std::exchange(before, ','));
      text::AppendJsonString(field.name, out);
      out.push_back(':');
      if (parts.is_null()) out.append("null");
      else if (!field.writer->RewriteJson(parts.field(), out)) return false;
    }
    if (fields_.empty()) out.push_back('{');
    out.push_back('}');
    return parts.at_end();
  }

 private:
  const std::vector<Field> fields_;
};

// range_deparse quotes a bound where it is empty or holds what a range or its quoting is made of.
void AppendBound(std::string_view bound, std::string& out) {
  const bool quoted = bound.empty() || bound.find_first_of("\"\\()[], \t\n\r\v\f") != std::string_view::npos;
  if (quoted) out.push_back('"');
  for (const char c : bound) {
    if (c == '"' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  if (quoted) out.push_back('"');
}

// flags: byte | lower bound, unless infinite: length: uint32, bytes | upper bound likewise
class RangeWriter final : public TextWriter {
 public:
  explicit RangeWriter(std::unique_ptr<TextWriter> subtype) : subtype_(std::move(subtype)) {}
  bool Write(Bytes value, std::string& out) const override {
    enum { kEmpty = 1, kLowerInclusive = 2, kUpperInclusive = 4, kLowerInfinite = 8, kUpperInfinite = 16 };
    ByteReader reader(value);
    const auto flags = reader.Read<uint8_t>();
    if ((flags & kEmpty) != 0) return out.append("empty"), reader.ok() && reader.at_end();
    out.push_back((flags & kLowerInclusive) != 0 ? '[' : '(');
    if ((flags & kLowerInfinite) == 0 && !AppendNext(reader, out)) return false;
    out.push_back(',');
    if ((flags & kUpperInfinite) == 0 && !AppendNext(reader, out)) return false;
    out.push_back((flags & kUpperInclusive) != 0 ? ']' : ')');
    return reader.ok() && reader.at_end();
  }
  bool writes_server_text() const override { return subtype_->writes_server_text(); }

 private:
  bool AppendNext(ByteReader& reader, std::string& out) const {
    const Bytes bytes = reader.ReadBytes(reader.Read<uint32_t>());
    std::string bound;  // Short: stays inside the string object.
    if (!reader.ok() || !subtype_->Write(bytes, bound)) return false;
    AppendBound(bound, out);
    return true;
  }

  const std::unique_ptr<TextWriter> subtype_;
};

// ranges: int32 | per range  length: uint32, bytes
class MultirangeWriter final : public TextWriter {
 public:
  explicit MultirangeWriter(std::unique_ptr<TextWriter> range) : range_(std::move(range)) {}
  bool Write(Bytes value, std::string& out) const override {
    ByteReader reader(value);
    const auto ranges = reader.Read<int32_t>();
    out.push_back('{');
    for (int32_t i = 0; i < ranges; ++i) {
      if (i > 0) out.push_back(',');
      const Bytes bytes = reader.ReadBytes(reader.Read<uint32_t>());
      if (!reader.ok() || !range_->Write(bytes, out)) return false;
    }
    out.push_back('}');
    return reader.ok() && reader.at_end() && ranges >= 0;
  }
  bool writes_server_text() const override { return range_->writes_server_text(); }

 private:
  const std::unique_ptr<TextWriter> range_;
};

std::unique_ptr<TextWriter> Make(const Type& type, int nesting);

std::unique_ptr<TextWriter> MakeBase(const Type& type) {
  switch (type.oid) {
    case pg::kBool: return std::make_unique<BoolWriter>();
    case pg::kInt2:
    case pg::kInt4:
    case pg::kInt8:
    case pg::kFloat4:
    case pg::kFloat8:
    case pg::kNumeric: return std::make_unique<NumberWriter>(FormOf(type));
    case pg::kJson: return std::make_unique<TwoFormsWriter>(text::Plain, text::Plain, false);
    case pg::kJsonb: return std::make_unique<TwoFormsWriter>(text::Versioned, text::Versioned, false);
    case pg::kTimestamp: return std::make_unique<TwoFormsWriter>(text::Timestamp, text::JsonTimestamp, true);
    case pg::kTimestamptz: return std::make_unique<TwoFormsWriter>(text::Timestamptz, text::JsonTimestamptz, true);
    default: break;
  }
  const text::Form form = FormOf(type);
  return std::make_unique<SimpleWriter>(form != nullptr ? form : UnknownBinary);
}

std::unique_ptr<TextWriter> MakeComposite(const Type& type, int nesting) {
  std::vector<CompositeWriter::Field> fields;
  for (const CompositeField& field : type.fields) {
    if (!field.type) return std::make_unique<SimpleWriter>(UnknownBinary);
    fields.push_back({field.name, Make(*field.type, nesting + 1)});
  }
  return std::make_unique<CompositeWriter>(std::move(fields));
}

std::unique_ptr<TextWriter> MakeRange(const Type& type, int nesting) {
  return std::make_unique<RangeWriter>(Make(*type.element, nesting + 1));
}

std::unique_ptr<TextWriter> Make(const Type& type, int nesting) {
  const bool known = nesting < kTextNestingMax;
  const bool has_element = known && type.element;
  if (IsVector(type)) return MakeBase(type);
  switch (type.kind) {
    case TypeKind::kBase:
    case TypeKind::kEnum: return MakeBase(type);
    case TypeKind::kDomain:
      if (has_element) return Make(*type.element, nesting + 1);
      break;
    case TypeKind::kArray:
      if (has_element) return std::make_unique<ArrayWriter>(Make(*type.element, nesting + 1), type.array_delimiter);
      break;
    case TypeKind::kComposite:
      if (known) return MakeComposite(type, nesting);
      break;
    case TypeKind::kRange:
      if (has_element) return MakeRange(type, nesting);
      break;
    case TypeKind::kMultirange:
      // The element is the range, or already the range's subtype.
      if (has_element && type.element->kind == TypeKind::kRange)
        return std::make_unique<MultirangeWriter>(Make(*type.element, nesting + 1));
      if (has_element) return std::make_unique<MultirangeWriter>(MakeRange(type, nesting));
      break;
  }
  return std::make_unique<SimpleWriter>(UnknownBinary);
}

}  // namespace

bool TextWriter::WriteJson(Bytes value, std::string& out) const {
  std::string text;
  if (!Write(value, text)) return false;
  text::AppendJsonString(text, out);
  return true;
}

bool TextWriter::RewriteText(std::string_view text, std::string& out) const {
  out.append(text);
  return writes_server_text();
}

bool TextWriter::RewriteJson(std::string_view text, std::string& out) const {
  if (writes_server_text()) return text::AppendJsonString(text, out), true;
  std::string rewritten;
  if (!RewriteText(text, rewritten)) return false;
  text::AppendJsonString(rewritten, out);
  return true;
}

std::unique_ptr<TextWriter> MakeTextWriter(const Type& type) { return Make(type, 0); }

Loss LossOfText(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBase: break;
    case TypeKind::kEnum: return Loss::kNone;
    case TypeKind::kDomain:
    case TypeKind::kArray:
    case TypeKind::kRange:
    case TypeKind::kMultirange: return type.element ? LossOfText(*type.element) : Loss::kUnknownBinary;
    case TypeKind::kComposite: return Loss::kNone;
  }
  if (!type.has_binary) return Loss::kNone;  // Comes as text.
  const text::Form form = FormOf(type);
  if (form == nullptr) return Loss::kUnknownBinary;
  const bool number = type.oid == pg::kOid || type.oid == pg::kXid || type.oid == pg::kCid;
  return form == text::Unsigned4 && !number ? Loss::kOidAsNumber : Loss::kNone;
}

bool IsPlainText(const Type& type) {
  if (type.kind == TypeKind::kDomain && type.element) return IsPlainText(*type.element);
  if (type.kind == TypeKind::kEnum) return true;
  return type.kind == TypeKind::kBase && FormOf(type) == text::Plain;
}

}  // namespace sluice
