#pragma once
// Which partition each row belongs to.

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "iceberg/partition_spec.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/lake_schema.h"

namespace sluice {

/// The partition spec that the configuration asks for. "_ingested_at" means sluice's own column, whatever it had to be
/// named. Error: kNeedsOperator (4104) if a column is missing or a transform doesn't fit its type.
Result<iceberg::PartitionSpec> MakePartitionSpec(const std::vector<PartitionFieldConfig>& fields, const LakeSchema& schema);
Result<iceberg::PartitionSpec> MakePartitionSpec(const std::vector<PartitionFieldConfig>& fields, const TableName& table, const iceberg::Schema& schema, size_t ingested_at);

/// What the configuration says for one table.
const std::vector<PartitionFieldConfig>& PartitionConfigOf(const LakeConfig& config, const TableName& table);

struct PartitionGroup {
  iceberg::PartitionTuple tuple;
  std::vector<int64_t> rows;  ///< Ascending.
};

/// Splits rows by partition. One group without `rows` where all are of one partition.
std::vector<PartitionGroup> GroupByPartition(const iceberg::PartitionSpec& spec, const iceberg::Schema& schema,
                                             const Columns& columns);

}  // namespace sluice
