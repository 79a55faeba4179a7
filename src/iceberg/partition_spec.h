#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iceberg/literal.h"
#include "iceberg/schema.h"
#include "iceberg/transform.h"

namespace sluice::iceberg {

/// Partition field ids start here; the last one assigned in an unpartitioned table is one less.
inline constexpr int32_t kFirstPartitionFieldId = 1000;

struct PartitionField {
  int32_t source_id = 0;
  int32_t field_id = 0;
  std::string name;
  Transform transform;

  bool operator==(const PartitionField&) const = default;
};

struct PartitionSpec {
  int32_t id = 0;
  std::vector<PartitionField> fields;

  bool operator==(const PartitionSpec&) const = default;
};

/// The types of the partition values, in the spec's order. A source column that `schema` lacks is
/// looked for in `older`. Error: kNeedsOperator.
Result<std::vector<Type>> PartitionTypes(const PartitionSpec& spec, const Schema& schema,
                                         const std::vector<Schema>& older = {});

/// "a_day=2026-07-01/b_bucket=3" with escaped names and values; empty for an unpartitioned spec.
std::string PartitionPath(const PartitionSpec& spec, const Schema& schema,
                          const PartitionTuple& tuple);

/// The same bytes for the same partition of the same spec, and only for it.
std::string PartitionKey(int32_t spec_id, const PartitionTuple& tuple);

struct SortField {
  Transform transform;
  int32_t source_id = 0;
  bool ascending = true;
  bool nulls_first = true;

  bool operator==(const SortField&) const = default;
};

struct SortOrder {
  int32_t id = 0;
  std::vector<SortField> fields;

  bool operator==(const SortOrder&) const = default;
};

}  // namespace sluice::iceberg
