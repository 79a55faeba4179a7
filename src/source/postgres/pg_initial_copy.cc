#include "source/postgres/pg_initial_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/failpoint.h"
#include "observability/errors/source_codes.h"
#include "postgres/quote.h"
#include "postgres/row_reader.h"
#include "source/postgres/copy_rows.h"
#include "source/postgres/key_rows.h"
#include "source/postgres/moved_on.h"
#include "source/postgres/sequence_values.h"

namespace sluice {
namespace {

struct CopySession {
  PgConnection connection;
  std::string seen;
};

/// A session that reads under the exported snapshot. Row security is off, so that rows hidden by a policy are an
/// error instead of missing; and whoever waits for a lock on our table does not wait behind our own waiting.
Result<CopySession> OpenSession(const std::string& dsn, const std::string& snapshot) {
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(dsn, {.application_name = "sluice copy", .replication = false}));
  for (const std::string& sql : {std::string("SET SESSION idle_session_timeout = 0"), std::string("SET SESSION row_security = off"),
                                 std::string("SET SESSION lock_timeout = '10s'"), std::string("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
                                 "SET TRANSACTION SNAPSHOT " + QuoteLiteral(snapshot)}) {
    const auto done = connection.Execute(sql);
    if (done.ok()) continue;
    Error error = done.error();
    // invalid_parameter_value or undefined_object: this server does not know the snapshot, or the session that exported it
    // has ended. Another copy has another one.
    if (error.sql_state == "22023" || error.sql_state == "42704") {
      error.kind = ErrorKind::kUnavailable;
      error.code = slu::kSnapshotMismatch;
      error.message = "a copy connection does not find the exported snapshot";
    }
    return error;
  }
  ASSIGN_OR_RETURN(std::string seen, connection.QueryValue("SELECT pg_current_snapshot()::text || ' in ' || current_database()"));
  return CopySession{std::move(connection), std::move(seen)};
}

std::string RangeCondition(const CopyRange& range) {
  if (range.first_block == 0 && range.end_block == UINT32_MAX) return "true";
  std::string where = fmt::format("ctid >= '({},0)'::pg_catalog.tid", range.first_block);
  if (range.end_block != UINT32_MAX) where += fmt::format(" AND ctid < '({},0)'::pg_catalog.tid", range.end_block);
  return where;
}

class PgCopyReader final : public InitialCopy::Reader {
 public:
  explicit PgCopyReader(PgConnection connection) : connection_(std::move(connection)) {}

  Status Read(const TableDefinition& table, const CopyRange& range, RowReceiver& receiver) override {
    SLUICE_FAILPOINT("source.before_copy_range");
    if (!connection_) return Error{ErrorKind::kUnavailable, "this copy connection has failed before"};
    const TableName& leaf = table.leaves[range.leaf].name;
    RETURN_IF_ERROR(Run("SAVEPOINT range"));
    RETURN_IF_ERROR(RequireSamePartitions(table));
    RETURN_IF_ERROR(RequireSameFiles(leaf));
    auto started = connection_->Execute(CopyCommand(*table.schema, leaf, range));
    if (!started.ok()) return CannotCopy(leaf, std::move(started).error());
    CopyRows rows(table.schema->columns.size(), receiver);
    Status read = ReadRows(rows, leaf);
    // Gives the lock back: behind a statement that waits for it everybody else waits too.
    if (read.ok()) read = Run("ROLLBACK TO SAVEPOINT range; RELEASE SAVEPOINT range");
    // What is still under way ends with the connection.
    if (!read.ok()) connection_.reset();
    return read;
  }

  Status Hold(const TableDefinition& table, size_t leaf) override {
    if (!connection_) return Error{ErrorKind::kUnavailable, "this copy connection has failed before"};
    RETURN_IF_ERROR(RequireSamePartitions(table));
    return RequireSameFiles(table.leaves[leaf].name);
  }

  Status Sum(const TableDefinition& table, const CopyRange& range, const RowForm& form, const Buckets& buckets,
             std::stop_token stop, BucketSums& sums) override {
    return Ask(table, range, [&](const RowSource& rows) {
      return SumRows(*connection_, SumSql(*table.schema, form, rows, buckets), stop, sums);
    });
  }

  Status Fetch(const TableDefinition& table, const CopyRange& range, const RowForm& form, const Buckets& buckets,
               size_t rows_max, std::stop_token stop, std::vector<FetchedRow>& rows) override {
    return Ask(table, range, [&](const RowSource& from) {
      return FetchRows(*connection_, FetchSql(*table.schema, form, from, buckets, rows_max), form, stop, rows);
    });
  }

  Status FetchKeys(const TableDefinition& table, const RowForm& form, const std::vector<std::vector<std::string>>& keys,
                   std::stop_token stop, std::vector<std::optional<FetchedRow>>& rows) override {
    return OfWholeTable(table, [&] { return sluice::FetchKeys(*connection_, *table.schema, form, keys, stop, rows); });
  }

  Status ReadKeys(const TableDefinition& table, const StreamedKeys& keys, std::stop_token stop, RowReceiver& receiver) override {
    return OfWholeTable(table, [&] { return ReadKeyRows(*connection_, table, keys, stop, receiver); });
  }

  Status ReadRowsOf(const TableDefinition& table, const StreamedKeys& keys, std::stop_token stop, RowReceiver& receiver) override {
    return OfWholeTable(table, [&] { return ReadRowsOfKeys(*connection_, table, keys, stop, receiver); });
  }

 private:
  template <class Query>
  Status OfWholeTable(const TableDefinition& table, const Query& query) {
    if (!connection_) return Error{ErrorKind::kUnavailable, "this copy connection has failed before"};
    Status asked = RequireSamePartitions(table);
    for (size_t i = 0; asked.ok() && i < table.leaves.size(); ++i) asked = RequireSameFiles(table.leaves[i].name);
    if (!asked.ok() && asked.error().code == slu::kCopiedTableRewritten) return asked;  // Nothing has failed.
    if (asked.ok()) asked = query();
    if (!asked.ok()) connection_.reset();
    return asked;
  }

  template <class Query>
  Status Ask(const TableDefinition& table, const CopyRange& range, const Query& query) {
    if (!connection_) return Error{ErrorKind::kUnavailable, "this copy connection has failed before"};
    const TableName& leaf = table.leaves[range.leaf].name;
    Status asked = RequireSameHash();
    if (asked.ok()) asked = Run("SAVEPOINT asked");
    if (asked.ok()) asked = RequireSamePartitions(table);
    if (asked.ok()) asked = RequireSameFiles(leaf);
    if (asked.ok()) asked = query(RowSource{"ONLY " + QuoteName(leaf), RangeCondition(range)});
    // Gives the lock back: a comparison takes long, and nobody's DDL shall wait for all of it.
    if (asked.ok()) asked = Run("ROLLBACK TO SAVEPOINT asked; RELEASE SAVEPOINT asked");
    if (asked.ok()) return asked;
    connection_.reset();
    return asked.error().code != 0 ? std::move(asked) : Status(CannotCopy(leaf, std::move(asked).error()));
  }

  Status Run(const char* sql) {
    const auto done = connection_->Execute(sql);
    return done.ok() ? Ok() : Status(done.error());
  }

  Status RequireSameHash() {
    if (hashes_alike_) return Ok();
    ASSIGN_OR_RETURN(hashes_alike_, PrepareForSums(*connection_));
    if (!hashes_alike_) return Error{ErrorKind::kNeedsOperator, "the source hashes or encodes text in another way than sluice"};
    return Ok();
  }

  // A table that was emptied or rewritten after the snapshot looks empty under it. The lock keeps its files as they
  // are; pg_class is read under the snapshot, and the function tells the files of now.
  Status RequireSameFiles(const TableName& leaf) {
    const std::string name = QuoteName(leaf);
    const auto locked = connection_->Execute(fmt::format("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", name));
    if (!locked.ok()) return CannotCopy(leaf, locked.error());
    const auto same = connection_->Execute(fmt::format("SELECT FROM pg_catalog.pg_class c WHERE c.oid = {}::pg_catalog.regclass AND "
                                                       "c.relfilenode = pg_catalog.pg_relation_filenode(c.oid)", QuoteLiteral(name)));
    if (!same.ok()) return CannotCopy(leaf, same.error());
    if (PQntuples(same->get()) == 1) return Ok();
    return Error{ErrorKind::kUnavailable, fmt::format("{} was emptied or rewritten while it was being copied", ToString(leaf)), slu::kCopiedTableRewritten};
  }

  // Which partitions the table had under the snapshot: what came or went since would be streamed as another table's rows.
  Status RequireSamePartitions(const TableDefinition& table) {
    if (table.partition_key.empty()) return Ok();
    std::string leaves;
    for (const Leaf& leaf : table.leaves) leaves += fmt::format("{}{}", leaves.empty() ? "" : ",", leaf.oid);
    const auto same = connection_->Execute(fmt::format(
        "WITH RECURSIVE tree(oid) AS (SELECT {}::oid UNION ALL SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree ON i.inhparent = tree.oid),"
        " now(oid) AS (SELECT pg_catalog.unnest('{{{}}}'::oid[])) SELECT FROM (SELECT c.oid FROM tree JOIN pg_catalog.pg_class c USING (oid) WHERE c.relkind = 'r') then_"
        " FULL JOIN now USING (oid) WHERE then_.oid IS NULL OR now.oid IS NULL", table.schema->oid, leaves));
    if (!same.ok()) return CannotCopy(table.schema->name, same.error());
    if (PQntuples(same->get()) == 0) return Ok();
    return Error{ErrorKind::kUnavailable, fmt::format("{} got or lost a partition while it was being copied", ToString(table.schema->name)), slu::kCopiedTableRewritten};
  }

  static Error CannotCopy(const TableName& leaf, Error error) {
    error.message = fmt::format("cannot copy {}", ToString(leaf));
    if (error.sql_state == "42501") error.code = slu::kSourcePrivilege;
    if (CatalogMovedOn(error)) error.kind = ErrorKind::kUnavailable;
    return error;
  }

  Status ReadRows(CopyRows& rows, const TableName& leaf) {
    for (;;) {
      char* data = nullptr;
      const int size = connection_->NextCopyData(&data);
      const std::unique_ptr<char, FreeWith<PQfreemem>> owner(data);
      if (size > 0) {
        RETURN_IF_ERROR(rows.Add(Bytes(reinterpret_cast<const std::byte*>(data), static_cast<size_t>(size))));
        continue;
      }
      if (size == -2) return connection_->LastError(fmt::format("copy of {} broke off", ToString(leaf)));
      break;
    }
    while (const PgResult result = connection_->NextResult())
      if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return ErrorFromResult(result.get(), fmt::format("copy of {} broke off", ToString(leaf)));
    return rows.Finish();
  }

  std::optional<PgConnection> connection_;  ///< Unset once a range has failed.
  bool hashes_alike_ = false;
};

}  // namespace

Result<std::unique_ptr<PgInitialCopy>> PgInitialCopy::Open(std::string dsn, ReplicationConnection exporter, const CreatedSlot& slot) {
  ASSIGN_OR_RETURN(CopySession anchor, OpenSession(dsn, slot.snapshot));
  return std::unique_ptr<PgInitialCopy>(new PgInitialCopy(std::move(dsn), std::move(exporter), slot, std::move(anchor.connection), std::move(anchor.seen)));
}

std::vector<CopyRange> PgInitialCopy::Plan(const std::vector<TableDefinition>& tables, uint64_t range_bytes_target) const {
  return PlanRanges(tables, range_bytes_target);
}

Result<std::unique_ptr<InitialCopy::Reader>> PgInitialCopy::Open() {
  SLUICE_FAILPOINT("source.before_open_reader");
  ASSIGN_OR_RETURN(CopySession session, OpenSession(dsn_, slot_.snapshot));
  if (session.seen != seen_)
    return Error{ErrorKind::kNeedsOperator, fmt::format("a copy connection sees snapshot {} instead of {}", session.seen, seen_), slu::kSnapshotMismatch};
  return std::unique_ptr<Reader>(new PgCopyReader(std::move(session.connection)));
}

Status PgInitialCopy::ReadSequenceValues(std::vector<TableDefinition>& tables) {
  const bool any = std::any_of(tables.begin(), tables.end(), [](const TableDefinition& table) { return !table.sequences.empty(); });
  if (!any) return Ok();
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(dsn_, {.application_name = "sluice sequences"}));
  return sluice::ReadSequenceValues(connection, tables);
}

std::vector<CopyRange> PlanRanges(const std::vector<TableDefinition>& tables, uint64_t range_bytes_target) {
  range_bytes_target = std::max<uint64_t>(range_bytes_target, 1);
  std::vector<uint64_t> table_bytes;
  for (const TableDefinition& table : tables) table_bytes.push_back(table.size_bytes());
  std::vector<size_t> order(tables.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return table_bytes[a] > table_bytes[b]; });

  std::vector<CopyRange> ranges;
  for (const size_t table : order) {
    const std::vector<Leaf>& leaves = tables[table].leaves;
    for (size_t leaf = 0; leaf < leaves.size(); ++leaf) {
      const uint64_t pages = std::max<uint32_t>(leaves[leaf].pages, 1);
      const uint64_t wanted = leaves[leaf].size_bytes / range_bytes_target + 1;
      const uint64_t count = std::min(wanted, pages);
      for (uint64_t i = 0; i < count; ++i)
        ranges.push_back({.table = table,
                          .leaf = leaf,
                          .first_block = static_cast<uint32_t>(pages * i / count),
                          .end_block = i + 1 == count ? UINT32_MAX : static_cast<uint32_t>(pages * (i + 1) / count),
                          .size_bytes = leaves[leaf].size_bytes / count});
    }
  }
  return ranges;
}

std::string CopyCommand(const TableSchema& schema, const TableName& leaf, const CopyRange& range) {
  std::string columns;
  for (const Column& column : schema.columns) {
    if (!columns.empty()) columns += ", ";
    columns += AsCopied(column, QuoteIdentifier(column.name));
  }
  return fmt::format("COPY (SELECT {} FROM ONLY {} WHERE {}) TO STDOUT (FORMAT binary)", columns, QuoteName(leaf), RangeCondition(range));
}

}  // namespace sluice
