#include "sink/replica/table_analyzer.h"

#include <vector>

#include "observability/log.h"
#include "postgres/quote.h"
#include "postgres/row_reader.h"

namespace sluice {
namespace {

// CREATE INDEX counts rows too, so only the statistics tell whether somebody has analyzed. Autovacuum never does it to
// the root of a partitioned table.
constexpr const char* kNotAnalyzed =
    "SELECT t.namespace, t.name FROM sluice.table_state t JOIN pg_catalog.pg_namespace n ON t.state = 'copied' AND n.nspname = t.namespace"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind IN ('r', 'p')"
    " WHERE pg_catalog.pg_stat_get_last_analyze_time(c.oid) IS NULL AND pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid) IS NULL"
    " ORDER BY t.changed_at, t.namespace, t.name";

// Shorter than any deadlock_timeout, so that it is never the applying transaction which loses.
constexpr const char* kLockTimeout = "SET SESSION lock_timeout = '500ms'";

}  // namespace

TableAnalyzer::TableAnalyzer(std::string dsn)
    : dsn_(std::move(dsn)), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

TableAnalyzer::~TableAnalyzer() { thread_.request_stop(); }

void TableAnalyzer::Wake() {
  const std::lock_guard lock(mutex_);
  due_ = true;
  changed_.notify_all();
}

void TableAnalyzer::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return due_; })) break;
      due_ = false;
    }
    const Status done = AnalyzeAll(stop);
    if (!done.ok() && !stop.stop_requested())
      log::Warn("replica", "replica.not_analyzed", "copied tables have no planner statistics yet", {{"evidence", done.error().evidence}});
  }
}

Status TableAnalyzer::AnalyzeAll(const std::stop_token& stop) {
  ASSIGN_OR_RETURN(ReplicaSession session, OpenReplicaSession(dsn_, "sluice analyze"));
  RETURN_IF_ERROR(session.connection.Execute(kLockTimeout));
  ASSIGN_OR_RETURN(const PgResult rows, session.connection.Execute(kNotAnalyzed));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const TableName table{std::string(Field(rows, row, 0)), std::string(Field(rows, row, 1))};
    if (tried_.insert(table).second) RETURN_IF_ERROR(Analyze(session.connection, table, stop));
  }
  return Ok();
}

Status TableAnalyzer::Analyze(PgConnection& connection, const TableName& table, const std::stop_token& stop) {
  const auto analyzed = ExecuteUntilStopped(connection, "ANALYZE " + QuoteName(table), stop);
  if (analyzed.ok()) return Ok();
  if (PQstatus(connection.get()) == CONNECTION_BAD || stop.stop_requested()) return analyzed.error();
  log::Warn("replica", "replica.not_analyzed", "a copied table has no planner statistics yet",
            {{"table", ToString(table)}, {"evidence", analyzed.error().evidence}});
  return Ok();
}

}  // namespace sluice
