#include "iceberg/manifest_list_avro.h"

#include <fmt/format.h>

#include "iceberg/avro.h"
#include "iceberg/format_error.h"

namespace sluice::iceberg {
namespace {

using Kind = AvroType::Kind;

void EncodeSummary(AvroEncoder& out, const FieldSummary& summary) {
  out.Boolean(summary.contains_null);
  out.Branch(summary.contains_nan.has_value());
  if (summary.contains_nan) out.Boolean(*summary.contains_nan);
  out.Optional(summary.lower_bound);
  out.Optional(summary.upper_bound);
}

void EncodeManifestFile(AvroEncoder& out, int32_t format_version, const ManifestFile& manifest) {
  out.Bytes(manifest.path);
  out.Long(manifest.length_bytes);
  out.Long(manifest.spec_id);
  out.Long(static_cast<int64_t>(manifest.content));
  out.Long(manifest.sequence_number);
  out.Long(manifest.min_sequence_number);
  out.Long(manifest.added_snapshot_id);
  out.Long(manifest.added_files_count);
  out.Long(manifest.existing_files_count);
  out.Long(manifest.deleted_files_count);
  out.Long(manifest.added_rows_count);
  out.Long(manifest.existing_rows_count);
  out.Long(manifest.deleted_rows_count);
  out.Branch(true);  // Of an unpartitioned table it is an empty list, not null.
  if (!manifest.partitions.empty()) out.Long(static_cast<int64_t>(manifest.partitions.size()));
  for (const FieldSummary& summary : manifest.partitions) EncodeSummary(out, summary);
  out.Long(0);
  out.Optional(manifest.key_metadata);
  if (format_version >= 3) out.Optional(manifest.first_row_id);
}

std::optional<std::string> OptionalBytes(AvroDecoder& in, const AvroType& type) {
  const std::optional<std::string_view> bytes = in.Bytes(type);
  return bytes ? std::optional<std::string>(*bytes) : std::nullopt;
}

void DecodeSummary(AvroDecoder& in, const AvroType& type, FieldSummary& summary) {
  const AvroType& record = in.Resolve(type);
  if (record.kind != Kind::kRecord) return in.Fail();
  for (const AvroType::Field& field : record.fields) {
    switch (field.id) {
      case 509:
        summary.contains_null = in.Boolean(*field.type).value_or(false);
        break;
      case 518:
        summary.contains_nan = in.Boolean(*field.type);
        break;
      case 510:
        summary.lower_bound = OptionalBytes(in, *field.type);
        break;
      case 511:
        summary.upper_bound = OptionalBytes(in, *field.type);
        break;
      default:
        in.Skip(*field.type);
        break;
    }
  }
}

int32_t Count(AvroDecoder& in, const AvroType& type) {
  const int32_t count = in.RequiredInt(type);
  if (count < 0) in.Fail();
  return count;
}

void DecodeField(AvroDecoder& in, const AvroType::Field& field, ManifestFile& manifest) {
  const AvroType& type = *field.type;
  switch (field.id) {
    case 500:
      manifest.path = in.RequiredString(type);
      return;
    case 501:
      manifest.length_bytes = in.RequiredLong(type);
      return;
    case 502:
      manifest.spec_id = in.RequiredInt(type);
      return;
    case 517: {
      const int32_t content = in.RequiredInt(type);
      if (content != 0 && content != 1) return in.Fail();
      manifest.content = static_cast<ManifestContent>(content);
      return;
    }
    case 515:
      manifest.sequence_number = in.RequiredLong(type);
      return;
    case 516:
      manifest.min_sequence_number = in.RequiredLong(type);
      return;
    case 503:
      manifest.added_snapshot_id = in.RequiredLong(type);
      return;
    case 504:
      manifest.added_files_count = Count(in, type);
      return;
    case 505:
      manifest.existing_files_count = Count(in, type);
      return;
    case 506:
      manifest.deleted_files_count = Count(in, type);
      return;
    case 512:
      manifest.added_rows_count = in.RequiredLong(type);
      return;
    case 513:
      manifest.existing_rows_count = in.RequiredLong(type);
      return;
    case 514:
      manifest.deleted_rows_count = in.RequiredLong(type);
      return;
    case 507:
      in.Array(type, [&](const AvroType& item) {
        DecodeSummary(in, item, manifest.partitions.emplace_back());
      });
      return;
    case 519:
      manifest.key_metadata = OptionalBytes(in, type);
      return;
    case 520:
      manifest.first_row_id = in.Long(type);
      return;
    default:
      in.Skip(type);
      return;
  }
}

}  // namespace

std::string EncodeManifestList(const ManifestListHeader& header,
                               std::span<const ManifestFile> manifests) {
  std::string records;
  AvroEncoder out(records);
  for (const ManifestFile& manifest : manifests)
    EncodeManifestFile(out, header.format_version, manifest);
  std::vector<std::pair<std::string, std::string>> metadata = {
      {"snapshot-id", fmt::format("{}", header.snapshot_id)},
      {"parent-snapshot-id",
       header.parent_snapshot_id ? fmt::format("{}", *header.parent_snapshot_id) : "null"},
      {"sequence-number", fmt::format("{}", header.sequence_number)},
  };
  if (header.format_version >= 3 && header.first_row_id)
    metadata.emplace_back("first-row-id", fmt::format("{}", *header.first_row_id));
  metadata.emplace_back("format-version", fmt::format("{}", header.format_version));
  return WriteAvroFile(ManifestListAvroSchema(header.format_version), metadata,
                       static_cast<int64_t>(manifests.size()), records);
}

Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes) {
  ASSIGN_OR_RETURN(const AvroFile file, ReadAvroFile(bytes));
  std::vector<ManifestFile> manifests;
  AvroDecoder in(file.records);
  for (int64_t i = 0; i < file.record_count; ++i) {
    ManifestFile& manifest = manifests.emplace_back();
    for (const AvroType::Field& field : file.schema->fields) DecodeField(in, field, manifest);
    if (manifest.path.empty()) in.Fail();
    if (!in.ok()) return Corrupt(fmt::format("entry {} of a manifest list is damaged", i));
  }
  if (!in.at_end()) return Corrupt("a manifest list has bytes after its last entry");
  return manifests;
}

}  // namespace sluice::iceberg
