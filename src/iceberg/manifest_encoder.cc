#include <fmt/format.h>

#include <cstring>

#include "iceberg/avro.h"
#include "iceberg/format_error.h"
#include "iceberg/manifest_avro.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"

namespace sluice::iceberg {
namespace {

Error WrongPartition(const DataFile& file) {
  return Corrupt(
      fmt::format("{} has a partition value that doesn't fit its partition spec", file.path));
}

std::string FixedBigEndian(Int128 value, int32_t size) {
  std::string bytes(static_cast<size_t>(size), '\0');
  for (size_t i = bytes.size(); i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xff);
  return bytes;
}

template <class T>
std::string RawBytes(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// False if the value is not one of the type's.
bool EncodePartitionValue(AvroEncoder& out, const Type& type, const Literal& value) {
  out.Branch(!IsNull(value));
  if (IsNull(value)) return true;
  switch (type.id) {
    case TypeId::kBoolean:
      if (const auto* boolean = std::get_if<bool>(&value)) return out.Boolean(*boolean), true;
      return false;
    case TypeId::kInt:
    case TypeId::kDate:
      if (const auto* number = std::get_if<int32_t>(&value)) return out.Long(*number), true;
      return false;
    case TypeId::kLong:
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
    case TypeId::kTimestampNs:
    case TypeId::kTimestamptzNs:
      // An old file of a column that was an int before it was a long.
      if (const auto* number = std::get_if<int32_t>(&value)) return out.Long(*number), true;
      if (const auto* number = std::get_if<int64_t>(&value)) return out.Long(*number), true;
      return false;
    case TypeId::kFloat:
      if (const auto* number = std::get_if<float>(&value)) return out.Raw(RawBytes(*number)), true;
      return false;
    case TypeId::kDouble:
      if (const auto* number = std::get_if<float>(&value))
        return out.Raw(RawBytes(static_cast<double>(*number))), true;
      if (const auto* number = std::get_if<double>(&value)) return out.Raw(RawBytes(*number)), true;
      return false;
    case TypeId::kDecimal:
      if (const auto* number = std::get_if<Int128>(&value))
        return out.Raw(FixedBigEndian(*number, DecimalBytes(type.precision))), true;
      return false;
    case TypeId::kString:
    case TypeId::kBinary:
      if (const auto* text = std::get_if<std::string>(&value)) return out.Bytes(*text), true;
      return false;
    case TypeId::kUuid:
    case TypeId::kFixed: {
      const auto* bytes = std::get_if<std::string>(&value);
      const auto size = type.id == TypeId::kUuid ? size_t{16} : static_cast<size_t>(type.length);
      if (bytes && bytes->size() == size) return out.Raw(*bytes), true;
      return false;
    }
    case TypeId::kStruct:
    case TypeId::kList:
    case TypeId::kMap:
      return false;
  }
  return false;
}

/// An Avro array behind a union with null; empty is null.
template <class List, class Item>
void EncodeList(AvroEncoder& out, const List& list, Item&& item) {
  out.Branch(!list.empty());
  if (list.empty()) return;
  out.Long(static_cast<int64_t>(list.size()));
  for (const auto& element : list) item(element);
  out.Long(0);
}

/// A map behind a union with null. Empty is not null: PyIceberg's inspection takes it for granted.
template <class Map, class Value>
void EncodeMap(AvroEncoder& out, const Map& map, Value&& value) {
  out.Branch(true);
  if (!map.empty()) out.Long(static_cast<int64_t>(map.size()));
  for (const auto& [key, item] : map) {
    out.Long(key);
    value(item);
  }
  out.Long(0);
}

void EncodeCounts(AvroEncoder& out, const CountById& counts) {
  EncodeMap(out, counts, [&](int64_t count) { out.Long(count); });
}

void EncodeBounds(AvroEncoder& out, const BoundById& bounds) {
  EncodeMap(out, bounds, [&](const std::string& bound) { out.Bytes(bound); });
}

Status EncodeDataFile(AvroEncoder& out, int32_t format_version,
                      const std::vector<Type>& partition_types, const DataFile& file) {
  out.Long(static_cast<int64_t>(file.content));
  out.Bytes(file.path);
  out.Bytes(file.format);
  if (file.partition.size() != partition_types.size()) return WrongPartition(file);
  for (size_t i = 0; i < partition_types.size(); ++i)
    if (!EncodePartitionValue(out, partition_types[i], file.partition[i]))
      return WrongPartition(file);
  out.Long(file.record_count);
  out.Long(file.file_size_bytes);
  EncodeCounts(out, file.column_sizes);
  EncodeCounts(out, file.value_counts);
  EncodeCounts(out, file.null_value_counts);
  EncodeCounts(out, file.nan_value_counts);
  EncodeBounds(out, file.lower_bounds);
  EncodeBounds(out, file.upper_bounds);
  out.Optional(file.key_metadata);
  EncodeList(out, file.split_offsets, [&](int64_t offset) { out.Long(offset); });
  EncodeList(out, file.equality_ids, [&](int32_t id) { out.Long(id); });
  out.Optional(file.sort_order_id ? std::optional<int64_t>(*file.sort_order_id) : std::nullopt);
  if (format_version >= 3) out.Optional(file.first_row_id);
  out.Optional(file.referenced_data_file);
  if (format_version >= 3) out.Optional(file.content_offset);
  if (format_version >= 3) out.Optional(file.content_size_bytes);
  return Ok();
}

}  // namespace

Result<std::string> EncodeManifest(const ManifestHeader& header,
                                   const std::vector<Type>& partition_types,
                                   std::span<const ManifestEntry> entries) {
  std::string records;
  AvroEncoder out(records);
  for (const ManifestEntry& entry : entries) {
    out.Long(static_cast<int64_t>(entry.status));
    out.Optional(entry.snapshot_id);
    out.Optional(entry.sequence_number);
    out.Optional(entry.file_sequence_number);
    RETURN_IF_ERROR(EncodeDataFile(out, header.format_version, partition_types, entry.file));
  }
  ASSIGN_OR_RETURN(const std::string schema,
                   ManifestAvroSchema(header.format_version, header.spec, partition_types));
  const std::vector<std::pair<std::string, std::string>> metadata = {
      {"schema", ToJsonText(header.schema)},
      {"schema-id", fmt::format("{}", header.schema.id)},
      {"partition-spec", FieldsToJsonText(header.spec)},
      {"partition-spec-id", fmt::format("{}", header.spec.id)},
      {"format-version", fmt::format("{}", header.format_version)},
      {"content", header.content == ManifestContent::kData ? "data" : "deletes"},
  };
  return WriteAvroFile(schema, metadata, static_cast<int64_t>(entries.size()), records);
}

}  // namespace sluice::iceberg
