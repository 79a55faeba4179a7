#include "sink/lake/table_layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

const LakeTableConfig* OwnConfig(const LakeConfig& config, const TableName& table) {
  const auto own = config.tables.find(ToString(table));
  return own == config.tables.end() ? nullptr : &own->second;
}

/// A partition field that was there once comes back under its old id; a new one takes no name of another.
void NumberFields(const iceberg::TableMetadata& metadata, iceberg::PartitionSpec& spec) {
  int32_t last_id = metadata.last_partition_id;
  for (iceberg::PartitionField& field : spec.fields) {
    bool known = false, name_taken = false;
    for (const iceberg::PartitionSpec& older : metadata.specs) {
      for (const iceberg::PartitionField& other : older.fields) {
        if (other.source_id == field.source_id && other.transform == field.transform) {
          field.field_id = other.field_id;
          field.name = other.name;
          known = true;
        }
        name_taken = name_taken || other.name == field.name;
      }
    }
    if (known) continue;
    field.field_id = ++last_id;
    if (name_taken) field.name += fmt::format("_{}", field.field_id);
  }
}

}  // namespace

int32_t FormatVersionOf(const LakeConfig& config, const TableName& table) {
  const LakeTableConfig* const own = OwnConfig(config, table);
  return own != nullptr && own->format_version ? *own->format_version : config.format_version;
}

uint64_t FileBytesTargetOf(const LakeConfig& config, const TableName& table) {
  const LakeTableConfig* const own = OwnConfig(config, table);
  return own != nullptr && own->file_bytes_target ? *own->file_bytes_target : config.file_bytes_target;
}

TableLayout LayoutOf(const iceberg::TableMetadata& metadata, const LakeConfig& config, const TableName& table) {
  return {metadata.spec(), metadata.location, metadata.format_version, FileBytesTargetOf(config, table)};
}

bool SamePartitions(const iceberg::PartitionSpec& a, const iceberg::PartitionSpec& b) {
  return std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(), [](const auto& x, const auto& y) {
    return x.source_id == y.source_id && x.transform == y.transform;
  });
}

std::vector<iceberg::TableUpdate> UpdatesToLayout(const iceberg::TableMetadata& metadata, iceberg::PartitionSpec spec, int32_t format_version) {
  std::vector<iceberg::TableUpdate> updates;
  if (format_version > metadata.format_version) updates.push_back(iceberg::UpgradeFormatVersion{format_version});
  if (!SamePartitions(spec, metadata.spec())) {
    NumberFields(metadata, spec);
    updates.push_back(iceberg::AddPartitionSpec{std::move(spec)});
    updates.push_back(iceberg::SetDefaultSpec{});
  }
  return updates;
}

}  // namespace sluice
