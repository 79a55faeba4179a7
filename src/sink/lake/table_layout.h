#pragma once
// How new files of a table are written: what the configuration says, as far as the table has taken it over.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_schema.h"
#include "config/config.h"
#include "iceberg/table_metadata.h"
#include "iceberg/table_update.h"

namespace sluice {

struct TableLayout {
  iceberg::PartitionSpec spec;
  iceberg::SortOrder sort;  ///< By columns that the schema has. Without fields: rows stay as they come.
  std::string location;
  int32_t format_version = 2;
  uint64_t file_bytes_target = 0;

  bool has_vectors() const { return format_version >= 3; }
  bool is_sorted() const { return !sort.fields.empty(); }
};

int32_t FormatVersionOf(const LakeConfig& config, const TableName& table);
uint64_t FileBytesTargetOf(const LakeConfig& config, const TableName& table);

TableLayout LayoutOf(const iceberg::TableMetadata& metadata, const LakeConfig& config, const TableName& table);

/// Apart from the numbers that they were given.
bool SamePartitions(const iceberg::PartitionSpec& a, const iceberg::PartitionSpec& b);

/// What makes new files be partitioned by `spec` (its field ids don't count), sorted by `sort` (its id doesn't) and written in that version; empty where
/// they are. Files that are there stay as they are, and so does a version that is higher.
std::vector<iceberg::TableUpdate> UpdatesToLayout(const iceberg::TableMetadata& metadata, iceberg::PartitionSpec spec, iceberg::SortOrder sort, int32_t format_version);

/// What makes new files unsorted, where `schema` lacks a column of their order; readers refuse such a table.
std::vector<iceberg::TableUpdate> UpdatesToDropSort(const iceberg::TableMetadata& metadata, const iceberg::Schema& schema);

}  // namespace sluice
