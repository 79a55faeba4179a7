#include "sink/lake/row_sorter.h"

#include <arrow/array.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "observability/error_catalog.h"
#include "sink/lake/cell_reader.h"

namespace sluice {
namespace {

using iceberg::TypeId;

Error WrongSort(const TableName& table, const SortFieldConfig& field, std::string_view why) {
  return {ErrorKind::kNeedsOperator, fmt::format("table {}: sort by {} {}", ToString(table), field.column, why), slu::kLakeSort};
}

bool IsText(const iceberg::Type& type) {
  return type.id == TypeId::kString || type.id == TypeId::kUuid || type.id == TypeId::kBinary || type.id == TypeId::kFixed;
}

bool HasOrder(const iceberg::Type& type) { return type.id != TypeId::kStruct && type.id != TypeId::kList && type.id != TypeId::kMap; }

// Greater where the value is: of floating-point numbers the bits are in order but for the negative ones.
__int128 Rank(const iceberg::Type& type, const Cell& cell) {
  if (cell.kind == CellKind::kDecimal) return cell.decimal;
  int64_t value = cell.integer;
  if (type.id == TypeId::kFloat) value = static_cast<int32_t>(static_cast<uint32_t>(value));
  const bool floating = type.id == TypeId::kFloat || type.id == TypeId::kDouble;
  return floating && value < 0 ? value ^ std::numeric_limits<int64_t>::max() : value;
}

}  // namespace

const std::vector<SortFieldConfig>& SortConfigOf(const LakeConfig& config, const TableName& table) {
  const auto own = config.tables.find(ToString(table));
  return own != config.tables.end() && own->second.sort ? *own->second.sort : config.sort;
}

Result<iceberg::SortOrder> MakeSortOrder(const std::vector<SortFieldConfig>& fields, const LakeSchema& schema) {
  return MakeSortOrder(fields, schema.source->name, schema.iceberg, schema.ingested_at());
}

Result<iceberg::SortOrder> MakeSortOrder(const std::vector<SortFieldConfig>& fields, const TableName& table, const iceberg::Schema& schema, size_t ingested_at) {
  iceberg::SortOrder order;
  for (const SortFieldConfig& field : fields) {
    const iceberg::Field* const column = field.column == "_ingested_at" ? &schema.fields[ingested_at] : schema.FindColumn(field.column);
    if (column == nullptr) return WrongSort(table, field, LacksColumn(schema, field.column));
    if (!HasOrder(column->type)) return WrongSort(table, field, "doesn't fit a column of type " + iceberg::ToString(column->type));
    order.fields.push_back({iceberg::Transform{}, column->id, field.ascending, field.nulls_first});
  }
  return order;
}

RowSorter::RowSorter(const iceberg::SortOrder& order, const iceberg::Schema& schema) {
  for (const iceberg::SortField& field : order.fields) {
    for (size_t i = 0; i < schema.fields.size(); ++i) {
      if (schema.fields[i].id != field.source_id) continue;
      columns_.push_back(i);
      keys_.push_back({&schema.fields[i].type, field.ascending, field.nulls_first, {}, {}});
    }
  }
}

void RowSorter::Add(const Columns& keys, std::span<const int64_t> rows) {
  const int64_t count = rows.empty() ? keys.front()->length() : static_cast<int64_t>(rows.size());
  CellReader reader;
  Cell cell;
  for (size_t k = 0; k < keys_.size(); ++k) {
    Key& key = keys_[k];
    const bool is_text = IsText(*key.type);
    if (is_text) held_.push_back(keys[k]);
    for (int64_t i = 0; i < count; ++i) {
      reader.Read(*keys[k], rows.empty() ? i : rows[static_cast<size_t>(i)], cell);
      if (is_text) {
        key.texts.push_back({cell.bytes, cell.is_null()});
      } else if (cell.is_null()) {
        using Limits = std::numeric_limits<__int128>;
        key.numbers.push_back(key.nulls_first ? Limits::min() : Limits::max());
      } else {
        const __int128 rank = Rank(*key.type, cell);
        key.numbers.push_back(key.ascending ? rank : -rank);
      }
    }
  }
  rows_ += count;
}

bool RowSorter::Less(int64_t a, int64_t b) const {
  const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
  for (const Key& key : keys_) {
    if (!key.numbers.empty()) {
      if (key.numbers[i] != key.numbers[j]) return key.numbers[i] < key.numbers[j];
      continue;
    }
    const Text &left = key.texts[i], &right = key.texts[j];
    if (left.is_null != right.is_null) return left.is_null == key.nulls_first;
    if (const int order = left.value.compare(right.value); order != 0) return (order < 0) == key.ascending;
  }
  return false;
}

std::vector<int64_t> RowSorter::Order() const {
  std::vector<int64_t> order(static_cast<size_t>(rows_));
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto less = [this](int64_t a, int64_t b) { return Less(a, b); };
  if (std::is_sorted(order.begin(), order.end(), less)) return {};
  std::stable_sort(order.begin(), order.end(), less);
  return order;
}

void SortRows(const iceberg::SortOrder& order, const iceberg::Schema& schema, const Columns& columns, std::vector<int64_t>& rows) {
  if (order.fields.empty()) return;
  RowSorter sorter(order, schema);
  Columns keys;
  for (const size_t column : sorter.columns()) keys.push_back(columns[column]);
  sorter.Add(keys, rows);
  const std::vector<int64_t> sorted = sorter.Order();
  if (sorted.empty()) return;
  std::vector<int64_t> before = std::exchange(rows, sorted);
  if (before.empty()) return;
  for (int64_t& row : rows) row = before[static_cast<size_t>(row)];
}

}  // namespace sluice
