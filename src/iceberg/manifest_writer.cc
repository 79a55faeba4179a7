#include "iceberg/manifest_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "iceberg/format_error.h"
#include "iceberg/manifest_avro.h"

namespace sluice::iceberg {
namespace {

bool IsNan(const Literal& value) {
  if (const auto* number = std::get_if<double>(&value)) return std::isnan(*number);
  if (const auto* number = std::get_if<float>(&value)) return std::isnan(*number);
  return false;
}

FieldSummary Summarize(const std::vector<ManifestEntry>& entries, size_t field) {
  FieldSummary summary;
  summary.contains_nan = false;
  const Literal* lowest = nullptr;
  const Literal* highest = nullptr;
  for (const ManifestEntry& entry : entries) {
    const Literal& value = entry.file.partition[field];
    if (IsNull(value)) {
      summary.contains_null = true;
    } else if (IsNan(value)) {
      summary.contains_nan = true;
    } else {
      if (!lowest || Compare(value, *lowest) < 0) lowest = &value;
      if (!highest || Compare(value, *highest) > 0) highest = &value;
    }
  }
  if (lowest) summary.lower_bound = EncodeBound(*lowest);
  if (highest) summary.upper_bound = EncodeBound(*highest);
  return summary;
}

void Count(const std::vector<ManifestEntry>& entries, int64_t sequence_number, ManifestFile& file) {
  file.min_sequence_number = sequence_number;
  for (const ManifestEntry& entry : entries) {
    const int64_t rows = entry.file.record_count;
    switch (entry.status) {
      case EntryStatus::kAdded:
        ++file.added_files_count;
        file.added_rows_count += rows;
        break;
      case EntryStatus::kExisting:
        ++file.existing_files_count;
        file.existing_rows_count += rows;
        break;
      case EntryStatus::kDeleted:
        ++file.deleted_files_count;
        file.deleted_rows_count += rows;
        break;
    }
    if (entry.is_live())
      file.min_sequence_number =
          std::min(file.min_sequence_number, entry.sequence_number.value_or(sequence_number));
  }
}

}  // namespace

Result<WrittenManifest> ManifestWriter::Write(int32_t spec_id, ManifestContent content,
                                              std::vector<ManifestEntry> entries) {
  SLUICE_CHECK(!entries.empty());
  const TableMetadata& metadata = options_.metadata;
  const PartitionSpec* spec = metadata.FindSpec(spec_id);
  if (!spec)
    return Corrupt(fmt::format("a file names the partition spec {}, which doesn't exist", spec_id));
  ASSIGN_OR_RETURN(const std::vector<Type> types,
                   PartitionTypes(*spec, options_.schema, metadata.schemas));
  ManifestHeader header;
  header.format_version = metadata.format_version;
  header.content = content;
  header.schema = options_.schema;
  header.spec = *spec;
  WrittenManifest written;
  written.object.uri =
      fmt::format("{}/metadata/{}-m{}.avro", metadata.location, options_.commit_uuid, count_++);
  ASSIGN_OR_RETURN(written.object.bytes, EncodeManifest(header, types, entries));

  ManifestFile& file = written.file;
  file.path = written.object.uri;
  file.length_bytes = static_cast<int64_t>(written.object.bytes.size());
  file.spec_id = spec_id;
  file.content = content;
  file.sequence_number = options_.sequence_number;
  file.added_snapshot_id = options_.snapshot_id;
  Count(entries, options_.sequence_number, file);
  for (size_t i = 0; i < types.size(); ++i) file.partitions.push_back(Summarize(entries, i));
  InheritFrom(file, entries);
  written.entries = std::make_shared<const std::vector<ManifestEntry>>(std::move(entries));
  return written;
}

}  // namespace sluice::iceberg
