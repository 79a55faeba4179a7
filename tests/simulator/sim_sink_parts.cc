#include "sim_sink_parts.h"

#include <fmt/format.h>

#include <charconv>

#include "observability/error_catalog.h"
#include "sim_initial_copy.h"

namespace sluice::simulator {

SentRow ReadTuple(const std::byte* tuple, const TableSchema& table) {
  SentRow sent;
  TupleReader reader(tuple);
  if (reader.columns() != table.columns.size())
    Fail(fmt::format("a row of {} with {} columns instead of {}", ToString(table.name), reader.columns(), table.columns.size()));
  for (const Column& column : table.columns) {
    const int16_t attribute = AttributeOf(column.name);
    const Value value = reader.Next();
    if (value.kind == ValueKind::kUnchanged) sent.untouched.push_back(attribute);
    if (value.kind != ValueKind::kBinary && value.kind != ValueKind::kText) continue;
    const std::string_view text = AsText(value.bytes);
    if (attribute != 1) sent.row[attribute] = text;
    else if (value.kind == ValueKind::kBinary) sent.key = LoadBigEndian<int64_t>(value.bytes.data());
    else std::from_chars(text.data(), text.data() + text.size(), sent.key);
  }
  return sent;
}

Error RandomTableError(Random& random) {
  switch (random.Below(5)) {
    case 0: return {ErrorKind::kNeedsOperator, "the row was refused", slu::kReplicaRowRefused};
    case 1: return {ErrorKind::kNeedsOperator, "the value was refused", slu::kReplicaValueRefused};
    case 2: return {ErrorKind::kNeedsOperator, "the table has other columns", slu::kReplicaSchemaChanged};
    case 3: return {ErrorKind::kCorrupt, "the value has another form", slu::kStreamCorrupt};
    default: return {ErrorKind::kNeedsOperator, "the row is not there", slu::kReplicaRowMissing};
  }
}

std::vector<std::pair<int64_t, Row>> ReadCopied(Bytes rows, size_t count, const TableSchema& table) {
  std::vector<std::pair<int64_t, Row>> read(count);
  ByteReader reader(rows);
  for (auto& [key, row] : read) {
    if (static_cast<size_t>(reader.Read<int16_t>()) != table.columns.size()) Fail("a copied row with another number of columns");
    for (const Column& column : table.columns) {
      const auto length = reader.Read<int32_t>();
      if (length < 0) continue;
      const Bytes value = reader.ReadBytes(static_cast<size_t>(length));
      if (column.attribute_number == 1) key = LoadBigEndian<int64_t>(value.data());
      else row[column.attribute_number] = AsText(value);
    }
  }
  if (!reader.ok() || !reader.at_end()) Fail("copied rows are cut off");
  return read;
}

Status SimCopyWriter::Rows(Bytes rows, size_t count) {
  RETURN_IF_ERROR(sink_.Call("copy"));
  for (auto& [key, row] : ReadCopied(rows, count, *table_))
    if (!rows_.try_emplace(key, std::move(row)).second) Fail(fmt::format("row {} of {} came twice in one range", key, ToString(table_->name)));
  return Ok();
}

Status SimCopyWriter::Finish() { return sink_.FinishRange(table_->name, range_, std::move(rows_)); }

Result<RowForm> SimView::Form(const TableDefinition& table) {
  RowForm form;
  form.columns.resize(table.schema->columns.size());
  form.identity = {0};
  return form;
}

Status SimView::Sum(const TableDefinition& table, const RowForm&, const Buckets& buckets, std::stop_token, BucketSums& sums) {
  for (const auto& [key, row] : tables_[table.schema->name].rows()) SumUp(*table.schema, key, row, buckets, sums);
  return Ok();
}

Status SimView::Fetch(const TableDefinition& table, const RowForm&, const Buckets& buckets, size_t, std::stop_token, std::vector<FetchedRow>& rows) {
  for (const auto& [key, row] : tables_[table.schema->name].rows()) FetchInto(*table.schema, key, row, buckets, rows);
  return Ok();
}

Result<TableDigest> SimView::Digest(const TableDefinition&) { return Error{ErrorKind::kNeedsOperator, "rows are compared by their sums"}; }
Result<std::unique_ptr<DigestReceiver>> SimView::Expect(const TableDefinition&) { return Error{ErrorKind::kNeedsOperator, "rows are compared by their sums"}; }

}  // namespace sluice::simulator
