#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "iceberg/avro.h"
#include "iceberg/format_error.h"
#include "iceberg/manifest_avro.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"

namespace sluice::iceberg {
namespace {

using Kind = AvroType::Kind;

Literal DecodePartitionValue(AvroDecoder& in, const AvroType& type) {
  const AvroType& actual = in.Resolve(type);
  switch (actual.kind) {
    case Kind::kNull:
      return {};
    case Kind::kBoolean:
      return in.Boolean(actual).value_or(false);
    case Kind::kInt:
      return in.RequiredInt(actual);
    case Kind::kLong:
      return in.RequiredLong(actual);
    case Kind::kFloat:
      return in.Float();
    case Kind::kDouble:
      return in.Double();
    case Kind::kBytes:
    case Kind::kString:
    case Kind::kFixed: {
      const std::string bytes = in.RequiredString(actual);
      if (actual.logical_type != "decimal") return bytes;
      Result<Literal> decimal = DecodeBound(Decimal(38, 0), bytes);
      if (!decimal.ok()) in.Fail();
      return decimal.ok() ? *decimal : Literal();
    }
    case Kind::kEnum:
    case Kind::kRecord:
    case Kind::kArray:
    case Kind::kMap:
    case Kind::kUnion:
      break;
  }
  in.Fail();
  return {};
}

/// In the spec's order, whatever the file's is.
PartitionTuple DecodePartition(AvroDecoder& in, const AvroType& type, const PartitionSpec& spec) {
  for (size_t i = 0; i < spec.fields.size(); ++i)
    if (!in.Step()) return {};
  PartitionTuple tuple(spec.fields.size());
  const AvroType& record = in.Resolve(type);
  if (record.kind != Kind::kRecord) in.Fail();
  for (size_t i = 0; i < record.fields.size() && in.ok(); ++i) {
    Literal value = DecodePartitionValue(in, *record.fields[i].type);
    const int32_t id = record.fields[i].id;
    size_t at = i;
    if (id >= 0) {
      const auto found =
          std::find_if(spec.fields.begin(), spec.fields.end(),
                       [&](const PartitionField& field) { return field.field_id == id; });
      at = static_cast<size_t>(found - spec.fields.begin());
    }
    if (at < tuple.size()) tuple[at] = std::move(value);
  }
  return tuple;
}

/// Calls `value(key, type)` for each pair of a map that is an array of records.
template <class Value>
void DecodeMap(AvroDecoder& in, const AvroType& type, Value&& value) {
  in.Array(type, [&](const AvroType& item) {
    const AvroType& record = in.Resolve(item);
    if (record.kind != Kind::kRecord || record.fields.size() != 2) return in.Fail();
    const int32_t key = in.RequiredInt(*record.fields[0].type);
    value(key, *record.fields[1].type);
  });
}

CountById DecodeCounts(AvroDecoder& in, const AvroType& type) {
  CountById counts;
  DecodeMap(in, type, [&](int32_t key, const AvroType& value_type) {
    counts.emplace_back(key, in.RequiredLong(value_type));
  });
  std::sort(counts.begin(), counts.end());
  return counts;
}

BoundById DecodeBounds(AvroDecoder& in, const AvroType& type) {
  BoundById bounds;
  DecodeMap(in, type, [&](int32_t key, const AvroType& value_type) {
    bounds.emplace_back(key, in.RequiredString(value_type));
  });
  std::sort(bounds.begin(), bounds.end());
  return bounds;
}

std::optional<std::string> OptionalBytes(AvroDecoder& in, const AvroType& type) {
  const std::optional<std::string_view> bytes = in.Bytes(type);
  return bytes ? std::optional<std::string>(*bytes) : std::nullopt;
}

std::optional<int32_t> OptionalInt(AvroDecoder& in, const AvroType& type) {
  const std::optional<int64_t> value = in.Long(type);
  if (value && (*value < INT32_MIN || *value > INT32_MAX)) in.Fail();
  return value ? std::optional(static_cast<int32_t>(*value)) : std::nullopt;
}

FileContent DecodeContent(AvroDecoder& in, const AvroType& type) {
  const int32_t content = in.RequiredInt(type);
  if (content < 0 || content > 2) {
    in.Fail();
    return FileContent::kData;
  }
  return static_cast<FileContent>(content);
}

void DecodeFileField(AvroDecoder& in, const AvroType::Field& field, const PartitionSpec& spec,
                     DataFile& file) {
  const AvroType& type = *field.type;
  switch (field.id) {
    case 134:
      file.content = DecodeContent(in, type);
      return;
    case 100:
      file.path = in.RequiredString(type);
      return;
    case 101:
      file.format = in.RequiredString(type);
      return;
    case 102:
      file.partition = DecodePartition(in, type, spec);
      return;
    case 103:
      file.record_count = in.RequiredLong(type);
      return;
    case 104:
      file.file_size_bytes = in.RequiredLong(type);
      return;
    case 108:
      file.column_sizes = DecodeCounts(in, type);
      return;
    case 109:
      file.value_counts = DecodeCounts(in, type);
      return;
    case 110:
      file.null_value_counts = DecodeCounts(in, type);
      return;
    case 137:
      file.nan_value_counts = DecodeCounts(in, type);
      return;
    case 125:
      file.lower_bounds = DecodeBounds(in, type);
      return;
    case 128:
      file.upper_bounds = DecodeBounds(in, type);
      return;
    case 131:
      file.key_metadata = OptionalBytes(in, type);
      return;
    case 132:
      in.Array(type,
               [&](const AvroType& item) { file.split_offsets.push_back(in.RequiredLong(item)); });
      return;
    case 135:
      in.Array(type,
               [&](const AvroType& item) { file.equality_ids.push_back(in.RequiredInt(item)); });
      return;
    case 140:
      file.sort_order_id = OptionalInt(in, type);
      return;
    case 142:
      file.first_row_id = in.Long(type);
      return;
    case 143:
      file.referenced_data_file = OptionalBytes(in, type);
      return;
    case 144:
      file.content_offset = in.Long(type);
      return;
    case 145:
      file.content_size_bytes = in.Long(type);
      return;
    default:
      in.Skip(type);
      return;
  }
}

void DecodeFile(AvroDecoder& in, const AvroType& type, const PartitionSpec& spec, DataFile& file) {
  const AvroType& record = in.Resolve(type);
  if (record.kind != Kind::kRecord) return in.Fail();
  for (const AvroType::Field& field : record.fields) DecodeFileField(in, field, spec, file);
  if (file.path.empty() || file.record_count < 0 || file.file_size_bytes < 0) in.Fail();
}

ManifestEntry DecodeEntry(AvroDecoder& in, const AvroType& record, const PartitionSpec& spec) {
  ManifestEntry entry;
  entry.file.spec_id = spec.id;
  for (const AvroType::Field& field : record.fields) {
    const AvroType& type = *field.type;
    switch (field.id) {
      case 0: {
        const int32_t status = in.RequiredInt(type);
        if (status < 0 || status > 2)
          in.Fail();
        else
          entry.status = static_cast<EntryStatus>(status);
        break;
      }
      case 1:
        entry.snapshot_id = in.Long(type);
        break;
      case 3:
        entry.sequence_number = in.Long(type);
        break;
      case 4:
        entry.file_sequence_number = in.Long(type);
        break;
      case 2:
        DecodeFile(in, type, spec, entry.file);
        break;
      default:
        in.Skip(type);
        break;
    }
  }
  if (entry.file.path.empty()) in.Fail();
  return entry;
}

int32_t HeaderNumber(const AvroFile& file, std::string_view key, int32_t otherwise) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return otherwise;
  int32_t number = otherwise;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

std::string HeaderText(const AvroFile& file, std::string_view key) {
  const auto found = file.metadata.find(key);
  return found == file.metadata.end() ? "" : found->second;
}

Result<ManifestHeader> DecodeHeader(const AvroFile& file) {
  ManifestHeader header;
  header.format_version = HeaderNumber(file, "format-version", 1);
  if (header.format_version > 3)
    return Unknown(fmt::format("a manifest has the format version {}", header.format_version));
  // iceberg-cpp writes "delete".
  header.content = HeaderText(file, "content").starts_with("delete") ? ManifestContent::kDeletes
                                                                     : ManifestContent::kData;
  ASSIGN_OR_RETURN(header.schema, ParseSchema(HeaderText(file, "schema")));
  header.schema.id = HeaderNumber(file, "schema-id", header.schema.id);
  ASSIGN_OR_RETURN(header.spec, ParseSpecFields(HeaderNumber(file, "partition-spec-id", 0),
                                                HeaderText(file, "partition-spec")));
  return header;
}

}  // namespace

Result<Manifest> DecodeManifest(std::string_view bytes) {
  ASSIGN_OR_RETURN(const AvroFile file, ReadAvroFile(bytes));
  Manifest manifest;
  ASSIGN_OR_RETURN(manifest.header, DecodeHeader(file));
  AvroDecoder in(file.records);
  for (int64_t i = 0; i < file.record_count; ++i) {
    manifest.entries.push_back(DecodeEntry(in, *file.schema, manifest.header.spec));
    if (!in.ok()) return Corrupt(fmt::format("entry {} of a manifest is damaged", i));
  }
  if (!in.at_end()) return Corrupt("a manifest has bytes after its last entry");
  return manifest;
}

void InheritFrom(const ManifestFile& manifest, std::vector<ManifestEntry>& entries) {
  const bool has_row_ids = manifest.content == ManifestContent::kData && manifest.first_row_id;
  int64_t next_row_id = manifest.first_row_id.value_or(0);
  for (ManifestEntry& entry : entries) {
    entry.file.spec_id = manifest.spec_id;
    if (has_row_ids && entry.is_live() && !entry.file.first_row_id) {
      entry.file.first_row_id = next_row_id;
      // Both numbers are a file's word: they may add up to more than there is.
      if (__builtin_add_overflow(next_row_id, entry.file.record_count, &next_row_id)) next_row_id = INT64_MAX;
    }
    if (!entry.snapshot_id) entry.snapshot_id = manifest.added_snapshot_id;
    const bool inherits = entry.status == EntryStatus::kAdded || manifest.sequence_number == 0;
    if (inherits && !entry.sequence_number) entry.sequence_number = manifest.sequence_number;
    if (inherits && !entry.file_sequence_number)
      entry.file_sequence_number = manifest.sequence_number;
  }
}

}  // namespace sluice::iceberg
