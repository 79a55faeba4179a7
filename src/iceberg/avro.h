#pragma once
// The part of Avro's container files that Iceberg uses.
//
// file:    "Obj" 0x01 | metadata: map of bytes | sync: 16 bytes | block…
// block:   records: long | size: long | records, compressed as the metadata's avro.codec says |
// sync: 16 bytes long:    zigzag, then 7 bits per byte, lowest first, high bit set while more
// follows bytes, string: length: long | bytes        boolean: 0x00 or 0x01        fixed: bytes
// union:   branch: long | value              record: its fields          float, double:
// little-endian array, map: chunks of (count: long | items), where a negative count is followed by
// the chunk's size in bytes, until a
//          count of 0
// Source: Apache Avro 1.11 specification, "Binary Encoding" and "Object Container Files".

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sluice::iceberg {

/// Appends values in Avro's binary form.
class AvroEncoder {
 public:
  explicit AvroEncoder(std::string& to) : to_(to) {}

  void Long(int64_t value);
  void Bytes(std::string_view bytes);
  void Boolean(bool value) { to_.push_back(value ? '\1' : '\0'); }
  void Raw(std::string_view bytes) { to_.append(bytes); }

  /// The branch of a union ["null", T]; the value of T follows if `present`.
  void Branch(bool present) { Long(present ? 1 : 0); }
  void Optional(const std::optional<int64_t>& value);
  void Optional(const std::optional<std::string>& value);

 private:
  std::string& to_;
};

/// The bytes of a container file with one block of deflated records. `records`: `count` encoded
/// records.
std::string WriteAvroFile(std::string_view schema,
                          const std::vector<std::pair<std::string, std::string>>& metadata,
                          int64_t count, std::string_view records);

/// A type of the schema that a file carries.
struct AvroType {
  enum class Kind {
    kNull,
    kBoolean,
    kInt,
    kLong,
    kFloat,
    kDouble,
    kBytes,
    kString,
    kFixed,
    kEnum,
    kRecord,
    kArray,
    kMap,
    kUnion,
  };
  struct Field {
    int32_t id = -1;  ///< The attribute field-id; -1 where it is missing.
    std::string name;
    std::shared_ptr<const AvroType> type;
  };

  Kind kind = Kind::kNull;
  std::string logical_type;
  int32_t precision = 0;  ///< Of a decimal.
  int32_t scale = 0;
  int32_t height = 0;         ///< Levels of nested types below; limited, also through names.
  size_t size = 0;            ///< Of a fixed.
  std::vector<Field> fields;  ///< Of a record; an array's or map's items stand alone in the first.
  std::vector<std::shared_ptr<const AvroType>> branches;  ///< Of a union.

  const AvroType& items() const { return *fields.front().type; }
};
using AvroTypePtr = std::shared_ptr<const AvroType>;

/// Error: kCorrupt; also for recursive types, which Iceberg doesn't have.
Result<AvroTypePtr> ParseAvroSchema(std::string_view text);

struct AvroFile {
  std::map<std::string, std::string, std::less<>> metadata;
  AvroTypePtr schema;  ///< A record.
  int64_t record_count = 0;
  std::string records;  ///< All blocks' records, decompressed.
};

/// Takes a container file apart. `bytes` is not trusted. `unpacked_bytes_max`: far above what
/// writers make; Java's target is 8 MiB packed. Error: kCorrupt; kNeedsOperator for a compression
/// other than none and deflate.
Result<AvroFile> ReadAvroFile(std::string_view bytes,
                              size_t unpacked_bytes_max = size_t{512} << 20);

/// Walks over encoded records. After the first mistake every read returns nothing and ok() is
/// false. A read that asks for a type other than the one written is a mistake; unions with null are
/// looked through.
class AvroDecoder {
 public:
  explicit AvroDecoder(std::string_view bytes);

  /// Any of int, long. nullopt for null.
  std::optional<int64_t> Long(const AvroType& type);
  /// Of int, long: what must not be null and must fit.
  int64_t RequiredLong(const AvroType& type);
  int32_t RequiredInt(const AvroType& type);
  std::optional<bool> Boolean(const AvroType& type);
  /// Any of bytes, string, fixed. nullopt for null.
  std::optional<std::string_view> Bytes(const AvroType& type);
  std::string RequiredString(const AvroType& type);
  double Double();
  float Float();

  /// The type behind unions, after reading their branch: kNull if the value is null.
  const AvroType& Resolve(const AvroType& type);

  /// Calls `item(type)` for each item of an array; nothing for null.
  template <class Item>
  void Array(const AvroType& type, Item&& item) {
    const AvroType& array = Resolve(type);
    if (array.kind == AvroType::Kind::kNull) return;
    if (array.kind != AvroType::Kind::kArray) return Fail();
    while (const int64_t count = ReadCount())
      for (int64_t i = 0; i < count && Step(); ++i) item(array.items());
  }

  void Skip(const AvroType& type);

  /// Counts work, which is limited by the size of the bytes: schemas can make items of no size. Call it for each thing
  /// that is made. False, and a mistake, once there was too much.
  bool Step();

  /// Marks the bytes as wrong.
  void Fail() { ok_ = false; }
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  int64_t ReadLong();
  std::string_view Read(size_t count);
  int64_t ReadCount();
  const std::string_view bytes_;
  size_t at_ = 0;
  size_t steps_left_;
  bool ok_ = true;
};

}  // namespace sluice::iceberg
