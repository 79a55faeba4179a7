#include "sink/replica/replica_copy_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "sink/replica/bulk_apply.h"
#include "sink/replica/row_pipeline.h"

namespace sluice {

Result<std::unique_ptr<ReplicaCopyWriter>> ReplicaCopyWriter::Open(ReplicaSession session, std::shared_ptr<const DestinationTable> table,
                                                                   Purpose purpose, Hooks hooks) {
  std::unique_ptr<ReplicaCopyWriter> writer(new ReplicaCopyWriter(std::move(session), std::move(table), purpose, std::move(hooks)));
  RETURN_IF_ERROR(writer->Begin());
  return writer;
}

Status ReplicaCopyWriter::Begin() {
  RETURN_IF_ERROR(Run("BEGIN"));
  if (!table_->any_text && purpose_ == Purpose::kAddRows) return BeginCopy(RowTarget(*table_));
  as_lines_ = purpose_ == Purpose::kAddRows && AllIsText();
  if (as_lines_) return BeginCopy(RowTarget(*table_), CopyFormat::kText);
  // A type without binary form comes as text and is cast on the way from a side table.
  RETURN_IF_ERROR(Run("CREATE TEMP TABLE sluice_copy (" + StageColumns(*table_) + ") ON COMMIT DROP"));
  std::string columns;
  for (size_t i = 0; i < table_->columns.size(); ++i) columns += fmt::format("{}c{}", i > 0 ? ", " : "", i);
  return BeginCopy("pg_temp.sluice_copy (" + columns + ")");
}

bool ReplicaCopyWriter::AllIsText() const {
  return std::all_of(table_->columns.begin(), table_->columns.end(), [](const DestinationColumn& column) { return column.as_text; });
}

Status ReplicaCopyWriter::BeginCopy(const std::string& target, CopyFormat format) {
  Status begun = copy_.Begin(target, format);
  return begun.ok() ? begun : SortedFailure(std::move(begun).error(), copy_.sql_state(), table_.get()).error;
}

Status ReplicaCopyWriter::Run(const std::string& sql) {
  const PgResult done = session_.connection.Run(sql);
  if (PQresultStatus(done.get()) == PGRES_COMMAND_OK) return Ok();
  return FailureOf(session_.connection, done.get(), table_.get()).error;
}

// The table may have no index yet, so it is read once instead of looked into for each key.
Status ReplicaCopyWriter::RemoveRows() {
  std::string same;
  for (const size_t i : table_->schema->key) {
    const DestinationColumn& column = table_->columns[i];
    same += fmt::format("{}t.{} {} s.c{}{}", same.empty() ? "" : " AND ", column.quoted, column.equals, i, column.as_text ? "::" + column.type_sql : "");
  }
  RETURN_IF_ERROR(Run("ANALYZE pg_temp.sluice_copy"));
  RETURN_IF_ERROR(Run("SET LOCAL enable_nestloop = off"));
  return Run(fmt::format("DELETE FROM {} t USING pg_temp.sluice_copy s WHERE {}", table_->name, same));
}

Result<int16_t> ReplicaCopyWriter::ReadFieldCount(ByteReader& reader) const {
  const auto fields = reader.Read<int16_t>();
  if (fields < 0 || static_cast<size_t>(fields) != table_->columns.size())
    return Error{ErrorKind::kCorrupt, fmt::format("a copied row of {} has {} fields", table_->name, fields)};
  return fields;
}

Error ReplicaCopyWriter::CutOff() const { return Error{ErrorKind::kCorrupt, fmt::format("a copied row of {} is cut off", table_->name)}; }

Status ReplicaCopyWriter::RewriteRow(ByteReader& reader) {
  ASSIGN_OR_RETURN(const int16_t fields, ReadFieldCount(reader));
  std::string& to = copy_.buffer();
  AppendBigEndian<int16_t>(to, fields);
  for (const DestinationColumn& column : table_->columns) {
    const auto length = reader.Read<int32_t>();
    AppendBigEndian<int32_t>(to, length);
    if (length < 0) continue;
    const Bytes value = reader.ReadBytes(static_cast<size_t>(length));
    if (!reader.ok()) break;
    if (column.object_number && !column.as_text) RETURN_IF_ERROR(ObjectNumberText(value, column.quoted));
    const size_t at = to.size();
    to.append(AsText(value));
    if (!column.as_text && !column.translation.pass_through())
      RETURN_IF_ERROR(column.translation.Rewrite(std::as_writable_bytes(std::span(to).subspan(at))));
  }
  if (!reader.ok()) return CutOff();
  return copy_.AfterTuple();
}

Status ReplicaCopyWriter::RewriteAsLine(ByteReader& reader) {
  ASSIGN_OR_RETURN(const int16_t fields, ReadFieldCount(reader));
  std::string& line = copy_.buffer();
  for (int16_t i = 0; i < fields; ++i) {
    if (i > 0) line.push_back('\t');
    const auto length = reader.Read<int32_t>();
    if (length < 0) line.append("\\N");
    else AppendCopyText(AsText(reader.ReadBytes(static_cast<size_t>(length))), line);
  }
  line.push_back('\n');
  if (!reader.ok()) return CutOff();
  return copy_.AfterTuple();
}

Status ReplicaCopyWriter::Rows(Bytes rows, size_t count) {
  SLUICE_FAILPOINT("replica.copy_rows");
  ByteReader reader(rows);
  if (as_lines_) {
    for (size_t i = 0; i < count; ++i) RETURN_IF_ERROR(RewriteAsLine(reader));
    return Ok();
  }
  if (table_->pass_through) return copy_.PutTuples(rows);
  for (size_t i = 0; i < count; ++i) RETURN_IF_ERROR(RewriteRow(reader));
  return Ok();
}

Status ReplicaCopyWriter::Finish() {
  SLUICE_FAILPOINT("replica.before_copy_end");
  auto finished = copy_.Finish();
  if (!finished.ok()) return SortedFailure(std::move(finished).error(), copy_.sql_state(), table_.get()).error;
  if (purpose_ == Purpose::kRemoveRows) {
    RETURN_IF_ERROR(RemoveRows());
  } else if (table_->any_text && !as_lines_) {
    RETURN_IF_ERROR(Run(fmt::format("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.sluice_copy", RowTarget(*table_), StageValues(*table_))));
  }
  RETURN_IF_ERROR(hooks_.before_commit(session_.connection));
  SLUICE_FAILPOINT("replica.before_copy_commit");
  RETURN_IF_ERROR(Run("COMMIT"));
  SLUICE_FAILPOINT("replica.after_copy_end");
  hooks_.give_back(std::move(session_));
  return Ok();
}

}  // namespace sluice
