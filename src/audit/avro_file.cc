#include "audit/avro_file.h"

#include <fmt/format.h>

#include <bit>

#include "audit/inflate.h"

namespace sluice::audit {
namespace {

constexpr std::string_view kMagic("Obj\x01", 4);
constexpr size_t kSyncBytes = 16;
constexpr int kLevelsMax = 64;

Error Bad(std::string message) { return Error{ErrorKind::kCorrupt, std::move(message)}; }

/// Takes primitive values off the front. The first that is not there makes all later ones zero.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  int64_t Long() {
    uint64_t bits = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      bits |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return static_cast<int64_t>(bits >> 1) ^ -static_cast<int64_t>(bits & 1);
    }
    ok_ = false;
    return 0;
  }
  std::string_view Take(int64_t length) {
    if (length < 0 || static_cast<uint64_t>(length) > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(length));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view Bytes() { return Take(Long()); }
  bool ok() const { return ok_; }
  void Fail() { ok_ = false; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

template <class T>
T LittleEndian(std::string_view bytes) {
  uint64_t bits = 0;
  for (size_t i = bytes.size(); i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
  if constexpr (sizeof(T) == 4) return std::bit_cast<T>(static_cast<uint32_t>(bits));
  else return std::bit_cast<T>(bits);
}

/// Decodes values by the writer's schema.
class Decoder {
 public:
  Decoder(const Json& schema, size_t record_values_max) : schema_(schema), values_max_(record_values_max) { Name(schema, 0); }

  Json Record(Cursor& cursor) {
    values_left_ = values_max_;
    return Value(schema_, cursor, 0);
  }

 private:

  Json Value(const Json& schema, Cursor& cursor, int level) {
    if (level > kLevelsMax || values_left_ == 0) cursor.Fail();
    if (!cursor.ok()) return nullptr;
    --values_left_;
    if (schema.is_array()) {
      const int64_t branch = cursor.Long();
      if (branch < 0 || static_cast<uint64_t>(branch) >= schema.size()) return Stop(cursor);
      return Value(schema[static_cast<size_t>(branch)], cursor, level + 1);
    }
    if (schema.is_string()) return Named(schema.get_ref<const std::string&>(), cursor, level);
    const Json* type = Member(schema, "type");
    if (type == nullptr) return Stop(cursor);
    if (!type->is_string()) return Value(*type, cursor, level + 1);
    const auto& kind = type->get_ref<const std::string&>();
    if (kind == "record") return Record(schema, cursor, level);
    if (kind == "array") return Items(schema, cursor, level);
    if (kind == "map") return Map(schema, cursor, level);
    if (kind == "fixed") return Text(cursor.Take(Number(schema, "size").value_or(-1)));
    if (kind == "enum") return cursor.Long();
    return Named(kind, cursor, level);
  }

  static Json Stop(Cursor& cursor) {
    cursor.Fail();
    return nullptr;
  }
  static Json Text(std::string_view bytes) { return std::string(bytes); }

  // Types that have a name may be used by it further on.
  void Name(const Json& schema, int level) {
    if (level > kLevelsMax) return;
    if (schema.is_array())
      for (const Json& branch : schema) Name(branch, level + 1);
    if (!schema.is_object()) return;
    if (const auto name = audit::Text(schema, "name"); name && schema.contains("type")) {
      const auto kind = audit::Text(schema, "type");
      if (kind == "record" || kind == "fixed" || kind == "enum") named_.emplace(*name, &schema);
    }
    for (const char* const part : {"type", "items", "values"})
      if (const Json* inner = Member(schema, part)) Name(*inner, level + 1);
    for (const Json& field : Array(schema, "fields")) Name(field, level + 1);
  }

  Json Named(const std::string& kind, Cursor& cursor, int level) {
    if (kind == "null") return nullptr;
    if (kind == "boolean") {
      const std::string_view byte = cursor.Take(1);
      return !byte.empty() && byte[0] != 0;
    }
    if (kind == "int" || kind == "long") return cursor.Long();
    if (kind == "float") return LittleEndian<float>(cursor.Take(4));
    if (kind == "double") return LittleEndian<double>(cursor.Take(8));
    if (kind == "bytes" || kind == "string") return Text(cursor.Bytes());
    const auto named = named_.find(kind);
    return named == named_.end() ? Stop(cursor) : Value(*named->second, cursor, level + 1);
  }

  Json Record(const Json& schema, Cursor& cursor, int level) {
    Json record = Json::object();
    for (const Json& field : Array(schema, "fields")) {
      const auto name = audit::Text(field, "name");
      const Json* type = Member(field, "type");
      if (!name || type == nullptr) return Stop(cursor);
      record[*name] = Value(*type, cursor, level + 1);
    }
    return record;
  }

  // Blocks of items; a negative count is followed by the block's size.
  template <class Visit>
  void Blocks(Cursor& cursor, const Visit& visit) {
    while (cursor.ok()) {
      int64_t count = cursor.Long();
      if (count == 0) return;
      if (count == INT64_MIN) return cursor.Fail();
      if (count < 0) {
        count = -count;
        cursor.Long();
      }
      for (; count > 0 && cursor.ok(); --count) visit();
    }
  }

  Json Items(const Json& schema, Cursor& cursor, int level) {
    const Json* items = Member(schema, "items");
    if (items == nullptr) return Stop(cursor);
    Json array = Json::array();
    Blocks(cursor, [&] { array.push_back(Value(*items, cursor, level + 1)); });
    return array;
  }

  Json Map(const Json& schema, Cursor& cursor, int level) {
    const Json* values = Member(schema, "values");
    if (values == nullptr) return Stop(cursor);
    Json map = Json::object();
    Blocks(cursor, [&] {
      const std::string key(cursor.Bytes());
      map[key] = Value(*values, cursor, level + 1);
    });
    return map;
  }

  std::map<std::string, const Json*> named_;
  const Json& schema_;
  const size_t values_max_;
  size_t values_left_ = 0;
};

Result<AvroHeader> ReadHeader(Cursor& cursor) {
  if (cursor.Take(static_cast<int64_t>(kMagic.size())) != kMagic) return Bad("it does not begin like an Avro file");
  AvroHeader header;
  for (;;) {
    int64_t count = cursor.Long();
    if (count == 0 || !cursor.ok()) break;
    if (count < 0 && count != INT64_MIN) {
      count = -count;
      cursor.Long();
    }
    for (; count > 0 && cursor.ok(); --count) {
      std::string key(cursor.Bytes());
      header.metadata[std::move(key)] = std::string(cursor.Bytes());
    }
  }
  if (!cursor.ok()) return Bad("its header is cut off");
  std::optional<Json> schema = Parse(header.metadata["avro.schema"]);
  if (!schema) return Bad("its Avro schema is not JSON");
  header.schema = std::move(*schema);
  return header;
}

}  // namespace

Result<AvroHeader> ReadAvroFile(std::string_view bytes, const AvroLimits& limits, const std::function<Status(const Json& schema, const Json& record)>& visit) {
  Cursor cursor(bytes);
  ASSIGN_OR_RETURN(AvroHeader header, ReadHeader(cursor));
  const std::string codec = header.metadata.contains("avro.codec") ? header.metadata.at("avro.codec") : "null";
  if (codec != "null" && codec != "deflate") return Bad(fmt::format("its codec is '{}', not deflate or null", codec));
  const std::string_view sync = cursor.Take(kSyncBytes);
  if (!cursor.ok()) return Bad("its header is cut off");
  Decoder decoder(header.schema, limits.record_values_max);
  size_t unpacked_bytes = 0;
  while (!cursor.at_end()) {
    const int64_t count = cursor.Long();
    const std::string_view packed = cursor.Bytes();
    if (!cursor.ok() || count < 0) return Bad("a block is cut off");
    if (cursor.Take(kSyncBytes) != sync) return Bad("a block does not end with the file's sync marker");
    std::string buffer;
    if (codec == "deflate") {
      ASSIGN_OR_RETURN(buffer, Inflate(packed, Packing::kRawDeflate, limits.block_bytes_max));
    }
    const std::string_view records = codec == "deflate" ? std::string_view(buffer) : packed;
    unpacked_bytes += records.size();
    if (unpacked_bytes > limits.unpacked_bytes_max) return Bad(fmt::format("it is larger than {} bytes when unpacked", limits.unpacked_bytes_max));
    if (static_cast<uint64_t>(count) > records.size()) return Bad("a block has more records than bytes");
    Cursor block(records);
    for (int64_t i = 0; i < count; ++i) {
      const Json record = decoder.Record(block);
      if (!block.ok()) return Bad("a record does not fit the file's schema, or is cut off");
      RETURN_IF_ERROR(visit(header.schema, record));
    }
    if (!block.at_end()) return Bad("a block holds more than its records");
  }
  return header;
}

}  // namespace sluice::audit
