#include "sink/lake/partitioner.h"

#include <arrow/array.h>
#include <fmt/format.h>

#include <bit>
#include <unordered_map>

#include "observability/error_catalog.h"
#include "sink/lake/cell_reader.h"

namespace sluice {
namespace {

using iceberg::Literal;
using iceberg::TypeId;

Result<iceberg::Transform> TransformOf(const PartitionFieldConfig& field) {
  const bool has_width = field.transform == "bucket" || field.transform == "truncate";
  return iceberg::ParseTransform(has_width ? fmt::format("{}[{}]", field.transform, field.width) : field.transform);
}

// As other writers name partition fields.
std::string NameOf(const std::string& column, const iceberg::Transform& transform) {
  using Kind = iceberg::Transform::Kind;
  switch (transform.kind) {
    case Kind::kIdentity: return column;
    case Kind::kTruncate: return column + "_trunc";
    case Kind::kVoid: return column + "_null";
    case Kind::kBucket:
    case Kind::kYear:
    case Kind::kMonth:
    case Kind::kDay:
    case Kind::kHour: return column + "_" + ToString(transform).substr(0, ToString(transform).find('['));
  }
  return column;
}

Literal ToLiteral(const iceberg::Type& type, const Cell& cell) {
  if (cell.is_null()) return std::monostate{};
  switch (type.id) {
    case TypeId::kBoolean: return cell.integer != 0;
    case TypeId::kInt:
    case TypeId::kDate: return static_cast<int32_t>(cell.integer);
    case TypeId::kFloat: return std::bit_cast<float>(static_cast<uint32_t>(cell.integer));
    case TypeId::kDouble: return std::bit_cast<double>(cell.integer);
    case TypeId::kDecimal: return cell.decimal;
    case TypeId::kString:
    case TypeId::kUuid:
    case TypeId::kBinary: return std::string(cell.bytes);
    default: return cell.integer;
  }
}

Error WrongPartition(const TableName& table, const PartitionFieldConfig& field, std::string_view why) {
  return {ErrorKind::kNeedsOperator,
          fmt::format("table {}: partition {}({}) {}", ToString(table), field.transform, field.column, why),
          slu::kLakePartition};
}

}  // namespace

const std::vector<PartitionFieldConfig>& PartitionConfigOf(const LakeConfig& config, const TableName& table) {
  const auto own = config.tables.find(ToString(table));
  return own != config.tables.end() && own->second.partition ? *own->second.partition : config.partition;
}

Result<iceberg::PartitionSpec> MakePartitionSpec(const std::vector<PartitionFieldConfig>& fields, const LakeSchema& schema) {
  return MakePartitionSpec(fields, schema.source->name, schema.iceberg, schema.ingested_at());
}

Result<iceberg::PartitionSpec> MakePartitionSpec(const std::vector<PartitionFieldConfig>& fields, const TableName& table, const iceberg::Schema& schema, size_t ingested_at) {
  iceberg::PartitionSpec spec;
  for (const PartitionFieldConfig& field : fields) {
    const iceberg::Field* column = field.column == "_ingested_at" ? &schema.fields[ingested_at] : schema.FindColumn(field.column);
    if (column == nullptr) return WrongPartition(table, field, LacksColumn(schema, field.column));
    const auto transform = TransformOf(field);
    if (!transform.ok() || !iceberg::ResultType(*transform, column->type).ok())
      return WrongPartition(table, field, "doesn't fit a column of type " + iceberg::ToString(column->type));
    spec.fields.push_back({column->id, iceberg::kFirstPartitionFieldId + static_cast<int32_t>(spec.fields.size()),
                           NameOf(column->name, *transform), *transform});
  }
  return spec;
}

std::vector<PartitionGroup> GroupByPartition(const iceberg::PartitionSpec& spec, const iceberg::Schema& schema,
                                             const Columns& columns) {
  struct Source {
    const arrow::Array* array;
    const iceberg::Type* type;
    const iceberg::Transform* transform;
  };
  std::vector<Source> sources;
  for (const iceberg::PartitionField& field : spec.fields) {
    for (size_t i = 0; i < schema.fields.size(); ++i) {
      if (schema.fields[i].id == field.source_id) sources.push_back({columns[i].get(), &schema.fields[i].type, &field.transform});
    }
  }
  std::vector<PartitionGroup> groups;
  if (sources.empty()) {
    groups.push_back({iceberg::PartitionTuple(spec.fields.size()), {}});
    return groups;
  }
  std::unordered_map<std::string, size_t> by_values;
  CellReader reader;
  std::string canonical, last;
  size_t group = 0;
  const int64_t rows = columns.front()->length();
  for (int64_t row = 0; row < rows; ++row) {
    canonical.clear();
    Cell cell;
    for (const Source& source : sources) {
      reader.Read(*source.array, row, cell);
      AppendCanonical(cell, canonical);
    }
    // Neighbours mostly agree: all rows of one commit have one _ingested_at.
    if (row == 0 || canonical != last) {
      iceberg::PartitionTuple tuple;
      std::string key;
      for (const Source& source : sources) {
        reader.Read(*source.array, row, cell);
        tuple.push_back(iceberg::Apply(*source.transform, *source.type, ToLiteral(*source.type, cell)));
        const std::string value = iceberg::IsNull(tuple.back()) ? "" : iceberg::EncodeBound(tuple.back());
        key += fmt::format("{}:{}:", iceberg::IsNull(tuple.back()), value.size());
        key += value;
      }
      const auto [at, is_new] = by_values.try_emplace(std::move(key), groups.size());
      if (is_new) groups.push_back({std::move(tuple), {}});
      group = at->second;
      last = canonical;
    }
    groups[group].rows.push_back(row);
  }
  if (groups.size() == 1) groups.front().rows.clear();
  return groups;
}

}  // namespace sluice
