// The Avro schemas of manifests and manifest lists: member for member in the order in which Java
// writes them, because some readers compare more than they should.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "iceberg/manifest_avro.h"
#include "iceberg/manifest_list_avro.h"

namespace sluice::iceberg {
namespace {

/// {"name":…,"type":…,"field-id":…}
std::string Required(std::string_view name, std::string_view type, int id) {
  return fmt::format(R"({{"name":"{}","type":{},"field-id":{}}})", name, type, id);
}
std::string Optional(std::string_view name, std::string_view type, int id) {
  return fmt::format(R"({{"name":"{}","type":["null",{}],"default":null,"field-id":{}}})", name,
                     type, id);
}

/// A map with int keys: Avro's own maps have only text keys.
std::string MapSchema(int key_id, int value_id, std::string_view value_type) {
  return fmt::format(
      R"({{"type":"array","items":{{"type":"record","name":"k{0}_v{1}","fields":[{2},{3}]}},"logicalType":"map"}})",
      key_id, value_id, Required("key", R"("int")", key_id),
      Required("value", value_type, value_id));
}

constexpr char kInt[] = R"("int")";
constexpr char kLong[] = R"("long")";
constexpr char kString[] = R"("string")";
constexpr char kBytes[] = R"("bytes")";
constexpr char kBoolean[] = R"("boolean")";

bool IsAvroStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// The name with everything that Avro doesn't allow as _xHH, as Java does it.
std::string AvroName(std::string_view name) {
  std::string legal;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool digit = c >= '0' && c <= '9';
    if (IsAvroStart(c) || (digit && i > 0))
      legal += c;
    else if (digit)
      legal += fmt::format("_{}", c);
    else
      legal += fmt::format("_x{:X}", static_cast<unsigned char>(c));
  }
  return legal.empty() ? "_" : legal;
}

/// The schema of a named type; its name alone once it has been defined.
std::string Named(std::string name, std::string definition, std::set<std::string>& defined) {
  const bool first = defined.insert(name).second;
  return first ? definition : fmt::format(R"("{}")", name);
}

std::string TimestampSchema(std::string_view logical_type, bool utc) {
  return fmt::format(R"({{"type":"long","logicalType":"{}","adjust-to-utc":{}}})", logical_type,
                     utc);
}

Result<std::string> PartitionValueSchema(const Type& type, std::set<std::string>& defined) {
  switch (type.id) {
    case TypeId::kBoolean:
      return std::string(kBoolean);
    case TypeId::kInt:
      return std::string(kInt);
    case TypeId::kLong:
      return std::string(kLong);
    case TypeId::kFloat:
      return std::string(R"("float")");
    case TypeId::kDouble:
      return std::string(R"("double")");
    case TypeId::kDate:
      return std::string(R"({"type":"int","logicalType":"date"})");
    case TypeId::kTime:
      return std::string(R"({"type":"long","logicalType":"time-micros"})");
    case TypeId::kTimestamp:
      return TimestampSchema("timestamp-micros", false);
    case TypeId::kTimestamptz:
      return TimestampSchema("timestamp-micros", true);
    case TypeId::kTimestampNs:
      return TimestampSchema("timestamp-nanos", false);
    case TypeId::kTimestamptzNs:
      return TimestampSchema("timestamp-nanos", true);
    case TypeId::kString:
      return std::string(kString);
    case TypeId::kBinary:
      return std::string(kBytes);
    case TypeId::kUuid:
      return Named("uuid_fixed",
                   R"({"type":"fixed","name":"uuid_fixed","size":16,"logicalType":"uuid"})",
                   defined);
    case TypeId::kFixed: {
      const std::string name = fmt::format("fixed_{}", type.length);
      return Named(name,
                   fmt::format(R"({{"type":"fixed","name":"{}","size":{}}})", name, type.length),
                   defined);
    }
    case TypeId::kDecimal: {
      const std::string name = fmt::format("decimal_{}_{}", type.precision, type.scale);
      return Named(
          name,
          fmt::format(
              R"({{"type":"fixed","name":"{}","size":{},"logicalType":"decimal","precision":{},"scale":{}}})",
              name, DecimalBytes(type.precision), type.precision, type.scale),
          defined);
    }
    case TypeId::kStruct:
    case TypeId::kList:
    case TypeId::kMap:
      break;
  }
  return Error{ErrorKind::kNeedsOperator, "a partition value cannot be of a nested type"};
}

Result<std::string> PartitionSchema(const PartitionSpec& spec, const std::vector<Type>& types) {
  std::set<std::string> defined;
  std::string fields;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string type, PartitionValueSchema(types[i], defined));
    const std::string& name = spec.fields[i].name;
    const std::string avro_name = AvroName(name);
    std::string field = Optional(avro_name, type, spec.fields[i].field_id);
    if (avro_name != name) {
      const std::string quoted =
          nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      field.insert(field.size() - 1, fmt::format(R"(,"iceberg-field-name":{})", quoted));
    }
    fields += (i == 0 ? "" : ",") + field;
  }
  return fmt::format(R"({{"type":"record","name":"r102","fields":[{}]}})", fields);
}

std::string DataFileSchema(int32_t format_version, std::string_view partition) {
  const bool v3 = format_version >= 3;
  std::string fields;
  const auto add = [&](const std::string& field) { fields += (fields.empty() ? "" : ",") + field; };
  add(Required("content", kInt, 134));
  add(Required("file_path", kString, 100));
  add(Required("file_format", kString, 101));
  add(Required("partition", partition, 102));
  add(Required("record_count", kLong, 103));
  add(Required("file_size_in_bytes", kLong, 104));
  add(Optional("column_sizes", MapSchema(117, 118, kLong), 108));
  add(Optional("value_counts", MapSchema(119, 120, kLong), 109));
  add(Optional("null_value_counts", MapSchema(121, 122, kLong), 110));
  add(Optional("nan_value_counts", MapSchema(138, 139, kLong), 137));
  add(Optional("lower_bounds", MapSchema(126, 127, kBytes), 125));
  add(Optional("upper_bounds", MapSchema(129, 130, kBytes), 128));
  add(Optional("key_metadata", kBytes, 131));
  add(Optional("split_offsets", R"({"type":"array","items":"long","element-id":133})", 132));
  add(Optional("equality_ids", R"({"type":"array","items":"int","element-id":136})", 135));
  add(Optional("sort_order_id", kInt, 140));
  if (v3) add(Optional("first_row_id", kLong, 142));
  add(Optional("referenced_data_file", kString, 143));
  if (v3) add(Optional("content_offset", kLong, 144));
  if (v3) add(Optional("content_size_in_bytes", kLong, 145));
  return fmt::format(R"({{"type":"record","name":"r2","fields":[{}]}})", fields);
}

}  // namespace

Result<std::string> ManifestAvroSchema(int32_t format_version, const PartitionSpec& spec,
                                       const std::vector<Type>& partition_types) {
  ASSIGN_OR_RETURN(const std::string partition, PartitionSchema(spec, partition_types));
  return fmt::format(R"({{"type":"record","name":"manifest_entry","fields":[{},{},{},{},{}]}})",
                     Required("status", kInt, 0), Optional("snapshot_id", kLong, 1),
                     Optional("sequence_number", kLong, 3),
                     Optional("file_sequence_number", kLong, 4),
                     Required("data_file", DataFileSchema(format_version, partition), 2));
}

std::string ManifestListAvroSchema(int32_t format_version) {
  const std::string summary = fmt::format(
      R"({{"type":"array","items":{{"type":"record","name":"r508","fields":[{},{},{},{}]}},)"
      R"("element-id":508}})",
      Required("contains_null", kBoolean, 509), Optional("contains_nan", kBoolean, 518),
      Optional("lower_bound", kBytes, 510), Optional("upper_bound", kBytes, 511));
  std::string fields;
  const auto add = [&](const std::string& field) { fields += (fields.empty() ? "" : ",") + field; };
  add(Required("manifest_path", kString, 500));
  add(Required("manifest_length", kLong, 501));
  add(Required("partition_spec_id", kInt, 502));
  add(Required("content", kInt, 517));
  add(Required("sequence_number", kLong, 515));
  add(Required("min_sequence_number", kLong, 516));
  add(Required("added_snapshot_id", kLong, 503));
  add(Required("added_files_count", kInt, 504));
  add(Required("existing_files_count", kInt, 505));
  add(Required("deleted_files_count", kInt, 506));
  add(Required("added_rows_count", kLong, 512));
  add(Required("existing_rows_count", kLong, 513));
  add(Required("deleted_rows_count", kLong, 514));
  add(Optional("partitions", summary, 507));
  add(Optional("key_metadata", kBytes, 519));
  if (format_version >= 3) add(Optional("first_row_id", kLong, 520));
  return fmt::format(R"({{"type":"record","name":"manifest_file","fields":[{}]}})", fields);
}

}  // namespace sluice::iceberg
