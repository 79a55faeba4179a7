#include "sink/replica/replica_view.h"

#include <fmt/format.h>

#include "base/free_with.h"
#include "postgres/quote.h"
#include "postgres/row_reader.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/destination_table.h"
#include "sink/replica/row_form.h"
#include "sink/replica/table_digest.h"

namespace sluice {
namespace {

constexpr size_t kHeaderBytes = 19;

using CopyBytes = std::unique_ptr<char, FreeWith<PQfreemem>>;

}  // namespace

Result<std::unique_ptr<SinkView>> ReplicaView::Open(const std::string& dsn, const std::optional<Bookmark>& expected) {
  PgConnectOptions options;
  options.application_name = "sluice verify";
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(dsn, options));
  RETURN_IF_ERROR(connection.Execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  ASSIGN_OR_RETURN(const auto bookmark, ReadBookmark(connection));
  const bool same = bookmark.has_value() == expected.has_value() &&
                    (!bookmark || bookmark->position == expected->position);
  if (!same) return Error{ErrorKind::kConflict, "the replica has moved on while a snapshot of it was taken"};
  return std::unique_ptr<SinkView>(new ReplicaView(std::move(connection)));
}

Result<RowForm> ReplicaView::Form(const TableDefinition& table) {
  if (!hashes_alike_) {
    ASSIGN_OR_RETURN(hashes_alike_, PrepareForSums(connection_));
  }
  RowForm form = ReplicaRowForm(*table.schema);
  if (!*hashes_alike_) form.unfit = "the replica hashes or encodes text in another way than sluice";
  return form;
}

// A refused statement must not end the transaction whose snapshot this view is. And no lock is kept, lest a TRUNCATE
// of the stream wait for the whole comparison; who finds a difference asks the source whether the table was emptied.
template <class Query>
Status ReplicaView::Ask(const Query& query) {
  RETURN_IF_ERROR(connection_.Execute("SAVEPOINT asked"));
  Status answered = query();
  if (PQstatus(connection_.get()) == CONNECTION_BAD) return answered;
  RETURN_IF_ERROR(connection_.Execute("ROLLBACK TO SAVEPOINT asked; RELEASE SAVEPOINT asked"));
  return answered;
}

Status ReplicaView::Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop, BucketSums& sums) {
  const RowSource rows{QuoteName(table.schema->name), ""};
  return Ask([&] { return SumRows(connection_, SumSql(*table.schema, form, rows, buckets), stop, sums); });
}

Status ReplicaView::Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max, std::stop_token stop,
                          std::vector<FetchedRow>& rows) {
  const RowSource from{QuoteName(table.schema->name), ""};
  return Ask([&] { return FetchRows(connection_, FetchSql(*table.schema, form, from, buckets, rows_max), form, stop, rows); });
}

Result<TableDigest> ReplicaView::Digest(const TableDefinition& table) {
  TableDigest digest;
  RETURN_IF_ERROR(Ask([&]() -> Status {
    ASSIGN_OR_RETURN(digest, DigestRows(table));
    return Ok();
  }));
  return digest;
}

Result<TableDigest> ReplicaView::DigestRows(const TableDefinition& table) {
  std::string columns;
  for (const Column& column : table.schema->columns)
    columns += (columns.empty() ? "" : ", ") + QuoteIdentifier(column.name) + (TravelsAsText(*column.type) ? "::text" : "");
  RETURN_IF_ERROR(connection_.Execute(fmt::format("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)", columns,
                                                  QuoteName(table.schema->name))));
  TupleDigest digest(*table.schema);
  size_t to_skip = kHeaderBytes;
  char* raw = nullptr;
  int size = 0;
  while ((size = connection_.NextCopyData(&raw)) > 0) {
    const CopyBytes owner(raw);
    Bytes message = std::as_bytes(std::span(raw, static_cast<size_t>(size)));
    // The server sends each row as one message, the header in front of the first, the trailer alone.
    if (message.size() < to_skip) return Error{ErrorKind::kCorrupt, "COPY sent a cut-off header"};
    message = message.subspan(to_skip);
    to_skip = 0;
    if (message.empty() || (message.size() == 2 && LoadBigEndian<int16_t>(message.data()) == -1)) continue;
    RETURN_IF_ERROR(digest.Rows(message, 1));
  }
  const PgResult done = connection_.NextResult();
  while (connection_.NextResult()) {
  }
  if (size != -1 || PQresultStatus(done.get()) != PGRES_COMMAND_OK)
    return ErrorFromResult(done.get(), fmt::format("reading table {} of the replica", ToString(table.schema->name)));
  return digest.digest();
}

Result<std::unique_ptr<DigestReceiver>> ReplicaView::Expect(const TableDefinition& table) {
  return std::unique_ptr<DigestReceiver>(std::make_unique<TupleDigest>(*table.schema));
}

}  // namespace sluice
