#include "pipeline/repair_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "change/tuple.h"

namespace sluice {
namespace {

void Append(std::string& tuple, const std::optional<std::string>& value) {
  if (!value) {
    tuple.push_back(static_cast<char>(ValueKind::kNull));
    return;
  }
  tuple.push_back(static_cast<char>(ValueKind::kText));
  AppendBigEndian<int32_t>(tuple, static_cast<int32_t>(value->size()));
  tuple.append(*value);
}

size_t Keep(const std::vector<std::optional<std::string>>& values, std::vector<std::byte>& bytes) {
  std::string tuple;
  AppendBigEndian<int16_t>(tuple, static_cast<int16_t>(values.size()));
  for (const auto& value : values) Append(tuple, value);
  const size_t offset = bytes.size();
  const Bytes made = AsBytes(tuple);
  bytes.insert(bytes.end(), made.begin(), made.end());
  return offset;
}

// A key must be the text that the server takes back.
bool IsServersText(const ColumnForm& form) {
  return !form.list && !form.array && form.value != ValueForm::kJson && form.value != ValueForm::kMoney;
}

}  // namespace

std::string RefusalOf(const TableComparison& comparison) {
  const RowForm& form = comparison.form;
  if (comparison.buckets == 0) return comparison.reason.empty() ? "its rows were not found" : "its rows can't be found: " + comparison.reason;
  if (form.identity.empty()) return "it has no key";
  for (const size_t i : form.identity)
    if (!IsServersText(form.columns[i])) return fmt::format("key column {} can't be looked up by its text", comparison.columns[i]);
  for (size_t i = 0; i < form.columns.size(); ++i)
    if (form.columns[i].value == ValueForm::kMoney) return fmt::format("the text of column {} depends on the locale", comparison.columns[i]);
  return "";
}

std::vector<KeyTexts> KeysOf(const TableComparison& comparison) {
  std::set<KeyTexts> keys;
  for (const DifferentRow& row : comparison.rows) {
    KeyTexts key;
    for (const size_t i : comparison.form.identity) key.push_back(row.either().columns[i].value_or(""));
    keys.insert(std::move(key));
  }
  return {keys.begin(), keys.end()};
}

RowForm TransferForm(const RowForm& form) {
  RowForm transfer = form;
  for (ColumnForm& column : transfer.columns) {
    const bool number = column.value == ValueForm::kObjectNumber;
    column = number ? ColumnForm{ValueForm::kObjectNumber, false, column.list || column.array} : ColumnForm{};
  }
  return transfer;
}

RowRepair MakeRepair(const TableSchemaPtr& schema, const std::vector<KeyTexts>& keys, const std::vector<std::optional<FetchedRow>>& rows) {
  RowRepair repair;
  repair.schema = schema;
  for (size_t i = 0; i < keys.size(); ++i) {
    std::vector<std::optional<std::string>> key(schema->columns.size());
    for (size_t k = 0; k < schema->key.size(); ++k) key[schema->key[k]] = keys[i][k];
    RowRepair::Row row;
    row.key_offset = Keep(key, repair.bytes);
    if (rows[i]) row.tuple_offset = Keep(rows[i]->columns, repair.bytes);
    repair.rows.push_back(row);
  }
  return repair;
}

}  // namespace sluice
