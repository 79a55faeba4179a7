#include "sink/replica/replica_view.h"

#include <fmt/format.h>

#include "base/free_with.h"
#include "postgres/quote.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/destination_table.h"
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

Result<TableDigest> ReplicaView::Digest(const TableDefinition& table) {
  std::string columns;
  for (const Column& column : table.schema->columns)
    columns += (columns.empty() ? "" : ", ") + QuoteIdentifier(column.name) + (TravelsAsText(*column.type) ? "::text" : "");
  RETURN_IF_ERROR(connection_.Execute(fmt::format("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)", columns,
                                                  QuoteName(table.schema->name))));
  TupleDigest digest(*table.schema);
  size_t to_skip = kHeaderBytes;
  char* raw = nullptr;
  int size = 0;
  while ((size = PQgetCopyData(connection_.get(), &raw, 0)) > 0) {
    const CopyBytes owner(raw);
    Bytes message = std::as_bytes(std::span(raw, static_cast<size_t>(size)));
    // The server sends each row as one message, the header in front of the first, the trailer alone.
    if (message.size() < to_skip) return Error{ErrorKind::kCorrupt, "COPY sent a cut-off header"};
    message = message.subspan(to_skip);
    to_skip = 0;
    if (message.empty() || (message.size() == 2 && LoadBigEndian<int16_t>(message.data()) == -1)) continue;
    RETURN_IF_ERROR(digest.Rows(message, 1));
  }
  const PgResult done(PQgetResult(connection_.get()));
  while (PgResult(PQgetResult(connection_.get()))) {
  }
  if (size != -1 || PQresultStatus(done.get()) != PGRES_COMMAND_OK)
    return ErrorFromResult(done.get(), fmt::format("reading table {} of the replica", ToString(table.schema->name)));
  return digest.digest();
}

Result<std::unique_ptr<DigestReceiver>> ReplicaView::Expect(const TableDefinition& table) {
  return std::unique_ptr<DigestReceiver>(std::make_unique<TupleDigest>(*table.schema));
}

}  // namespace sluice
