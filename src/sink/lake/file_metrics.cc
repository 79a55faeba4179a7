#include "sink/lake/file_metrics.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "iceberg/literal.h"

namespace sluice {
namespace {

using iceberg::Int128;
using iceberg::Literal;

struct ColumnMetrics {
  int64_t size = 0, values = 0, nulls = 0;
  bool bounded = true;  // Every row group with values has statistics.
  bool nested = false;
  std::optional<Literal> lower, upper;
};

template <class T>
T Load(const std::string& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

Int128 LoadDecimal(const std::string& bytes, parquet::Type::type physical) {
  if (physical == parquet::Type::INT32) return Load<int32_t>(bytes);
  if (physical == parquet::Type::INT64) return Load<int64_t>(bytes);
  unsigned __int128 value = !bytes.empty() && static_cast<signed char>(bytes[0]) < 0 ? ~static_cast<unsigned __int128>(0) : 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<Int128>(value);
}

// A bound as Parquet encodes it.
Literal ToLiteral(const arrow::DataType& type, parquet::Type::type physical, const std::string& bytes) {
  switch (type.id()) {
    case arrow::Type::BOOL: return Load<bool>(bytes);
    case arrow::Type::INT32:
    case arrow::Type::DATE32: return Load<int32_t>(bytes);
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP: return Load<int64_t>(bytes);
    case arrow::Type::FLOAT: return Load<float>(bytes);
    case arrow::Type::DOUBLE: return Load<double>(bytes);
    case arrow::Type::DECIMAL128: return LoadDecimal(bytes, physical);
    default: return bytes;
  }
}

void Add(const parquet::ColumnChunkMetaData& chunk, const arrow::DataType& type, ColumnMetrics& metrics) {
  metrics.size += chunk.total_compressed_size();
  metrics.values += chunk.num_values();
  const auto statistics = chunk.is_stats_set() ? chunk.statistics() : nullptr;
  if (statistics == nullptr) {
    metrics.bounded = false;
    return;
  }
  if (statistics->HasNullCount()) metrics.nulls += statistics->null_count();
  const bool only_nulls = statistics->HasNullCount() && statistics->null_count() == chunk.num_values();
  if (!statistics->HasMinMax()) {
    metrics.bounded = metrics.bounded && only_nulls;
    return;
  }
  Literal lower = ToLiteral(type, chunk.type(), statistics->EncodeMin());
  Literal upper = ToLiteral(type, chunk.type(), statistics->EncodeMax());
  if (!metrics.lower || iceberg::Compare(lower, *metrics.lower) < 0) metrics.lower = std::move(lower);
  if (!metrics.upper || iceberg::Compare(upper, *metrics.upper) > 0) metrics.upper = std::move(upper);
}

void AppendBounds(const arrow::DataType& type, int32_t id, const ColumnMetrics& metrics, iceberg::DataFile& file) {
  if (!metrics.bounded || metrics.nested || !metrics.lower || !metrics.upper) return;
  if (type.id() == arrow::Type::STRING) {
    file.lower_bounds.emplace_back(id, iceberg::TruncateLowerBound(std::get<std::string>(*metrics.lower)));
    if (auto upper = iceberg::TruncateUpperBound(std::get<std::string>(*metrics.upper))) file.upper_bounds.emplace_back(id, *upper);
    return;
  }
  if (type.id() == arrow::Type::BINARY) {
    file.lower_bounds.emplace_back(id, iceberg::TruncateBinaryLowerBound(std::get<std::string>(*metrics.lower)));
    if (auto upper = iceberg::TruncateBinaryUpperBound(std::get<std::string>(*metrics.upper))) file.upper_bounds.emplace_back(id, *upper);
    return;
  }
  file.lower_bounds.emplace_back(id, iceberg::EncodeBound(*metrics.lower));
  file.upper_bounds.emplace_back(id, iceberg::EncodeBound(*metrics.upper));
}

}  // namespace

void FillMetrics(const parquet::FileMetaData& parquet, const arrow::Schema& schema, const NanCounts& nans,
                 iceberg::DataFile& file) {
  std::map<int32_t, std::pair<ColumnMetrics, const arrow::DataType*>> by_id;
  for (int leaf = 0; leaf < parquet.num_columns(); ++leaf) {
    const auto* const descriptor = parquet.schema()->Column(leaf);
    // Columns and their roots stand in one order.
    const auto* const root = parquet.schema()->GetColumnRoot(leaf);
    const int index = parquet.schema()->group_node()->FieldIndex(*root);
    const arrow::DataType* type = schema.field(index)->type().get();
    auto& [metrics, type_of] = by_id[descriptor->schema_node()->field_id()];
    metrics.nested = type->id() == arrow::Type::LIST;
    if (metrics.nested) type = static_cast<const arrow::ListType&>(*type).value_type().get();
    type_of = type;
    for (int group = 0; group < parquet.num_row_groups(); ++group) Add(*parquet.RowGroup(group)->ColumnChunk(leaf), *type, metrics);
  }
  for (const auto& [id, entry] : by_id) {
    const auto& [metrics, type] = entry;
    file.column_sizes.emplace_back(id, metrics.size);
    file.value_counts.emplace_back(id, metrics.values);
    file.null_value_counts.emplace_back(id, metrics.nulls);
    AppendBounds(*type, id, metrics, file);
  }
  file.nan_value_counts.assign(nans.begin(), nans.end());
  file.record_count = parquet.num_rows();
  for (int group = 0; group < parquet.num_row_groups(); ++group) {
    const auto first = parquet.RowGroup(group)->ColumnChunk(0);
    const int64_t dictionary = first->has_dictionary_page() ? first->dictionary_page_offset() : 0;
    file.split_offsets.push_back(dictionary > 0 ? std::min(dictionary, first->data_page_offset()) : first->data_page_offset());
  }
}

}  // namespace sluice
