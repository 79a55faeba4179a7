#include "sink/lake/table_layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

const LakeTableConfig* OwnConfig(const LakeConfig& config, const TableName& table) {
  const auto own = config.tables.find(ToString(table));
  return own == config.tables.end() ? nullptr : &own->second;
}

bool HasColumn(const iceberg::Schema& schema, int32_t id) {
  return std::any_of(schema.fields.begin(), schema.fields.end(), [&](const iceberg::Field& field) { return field.id == id; });
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

/// Somebody else's order may have transforms: nothing is sorted by these.
iceberg::SortOrder SortableOrder(const iceberg::TableMetadata& metadata) {
  const iceberg::SortOrder& order = metadata.sort_order();
  const bool sortable = std::all_of(order.fields.begin(), order.fields.end(), [&](const iceberg::SortField& field) {
    return field.transform.kind == iceberg::Transform::Kind::kIdentity && HasColumn(metadata.schema(), field.source_id);
  });
  return sortable ? order : iceberg::SortOrder();
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
  return {metadata.spec(), SortableOrder(metadata), metadata.location, metadata.format_version, FileBytesTargetOf(config, table)};
}

bool SamePartitions(const iceberg::PartitionSpec& a, const iceberg::PartitionSpec& b) {
  return std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(), [](const auto& x, const auto& y) {
    return x.source_id == y.source_id && x.transform == y.transform;
  });
}

std::vector<iceberg::TableUpdate> UpdatesToLayout(const iceberg::TableMetadata& metadata, iceberg::PartitionSpec spec, iceberg::SortOrder sort, int32_t format_version) {
  std::vector<iceberg::TableUpdate> updates;
  if (format_version > metadata.format_version) updates.push_back(iceberg::UpgradeFormatVersion{format_version});
  if (!SamePartitions(spec, metadata.spec())) {
    NumberFields(metadata, spec);
    updates.push_back(iceberg::AddPartitionSpec{std::move(spec)});
    updates.push_back(iceberg::SetDefaultSpec{});
  }
  if (sort.fields != metadata.sort_order().fields) {
    updates.push_back(iceberg::AddSortOrder{std::move(sort)});
    updates.push_back(iceberg::SetDefaultSortOrder{});
  }
  return updates;
}

std::vector<iceberg::TableUpdate> UpdatesToDropSort(const iceberg::TableMetadata& metadata, const iceberg::Schema& schema) {
  const std::vector<iceberg::SortField>& fields = metadata.sort_order().fields;
  if (std::all_of(fields.begin(), fields.end(), [&](const iceberg::SortField& field) { return HasColumn(schema, field.source_id); })) return {};
  return {iceberg::AddSortOrder{}, iceberg::SetDefaultSortOrder{}};
}

}  // namespace sluice
