#include "sink/replica/finish_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/failpoint.h"
#include "change/table_error.h"
#include "observability/errors/replica_codes.h"
#include "observability/log.h"
#include "postgres/quote.h"
#include "sink/replica/create_table.h"
#include "sink/replica/session.h"

namespace sluice {
namespace {

struct Job {
  const TableDefinition* table = nullptr;
  std::vector<std::string> statements;
};

Status RunJob(PgConnection& connection, const Job& job) {
  for (const std::string& statement : job.statements) {
    SLUICE_FAILPOINT("replica.before_index");
    const auto done = connection.Execute(statement);
    if (done.ok()) continue;
    // 42P07, 42710, 42P16: it is there already, since the user made the table.
    const std::string& words = done.error().evidence;
    const bool present = words.ends_with("[42P07]") || words.ends_with("[42710]") || words.ends_with("[42P16]");
    if (present) continue;
    if (done.error().kind == ErrorKind::kUnavailable) return done.error();
    return About(job.table->schema->name,
                 Error{ErrorKind::kNeedsOperator, fmt::format("table {}: {:.200}", ToString(job.table->schema->name), statement),
                       slu::kReplicaTableUndone, words});
  }
  return Ok();
}

/// Connections that outlast one stage of the work. Thread-safe.
class SessionPool {
 public:
  explicit SessionPool(const std::string& dsn) : dsn_(dsn) {}

  Result<ReplicaSession> Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        ReplicaSession session = std::move(idle_.back());
        idle_.pop_back();
        return session;
      }
    }
    return OpenReplicaSession(dsn_, "sluice index");
  }
  void Give(ReplicaSession session) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(session));
  }

 private:
  const std::string dsn_;
  std::mutex mutex_;  // Guards everything below.
  std::vector<ReplicaSession> idle_;
};

// Runs jobs on up to `connections` threads; the first error stops the others at their next job.
Status RunAll(SessionPool& pool, const std::vector<Job>& jobs, int connections) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  Status first;
  const auto work = [&]() -> Status {
    ASSIGN_OR_RETURN(ReplicaSession session, pool.Take());
    for (size_t i = next++; i < jobs.size() && !failed; i = next++)
      RETURN_IF_ERROR(RunJob(session.connection, jobs[i]));
    pool.Give(std::move(session));
    return Ok();
  };
  std::vector<std::jthread> threads;
  const size_t count = std::min(jobs.size(), static_cast<size_t>(std::max(connections, 1)));
  for (size_t i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      Status done = work();
      if (done.ok()) return;
      failed = true;
      const std::lock_guard lock(mutex);
      if (first.ok()) first = std::move(done);
    });
  }
  threads.clear();
  return first;
}

}  // namespace

Status BuildAfterRows(const std::string& dsn, const std::vector<TableDefinition>& tables, int connections) {
  std::vector<Job> constraints;
  std::vector<Job> indexes;
  for (const TableDefinition& table : tables) {
    AfterRows after = StatementsAfterRows(table);
    for (const std::string& skipped : after.skipped)
      log::Warn("replica", "replica.left_out", "uses functions that only the source has, so the replica goes without it",
                {{"table", ToString(table.schema->name)}, {"object", skipped}});
    if (!after.in_order.empty()) constraints.push_back({&table, std::move(after.in_order)});
    for (std::string& statement : after.parallel) indexes.push_back({&table, {std::move(statement)}});
  }
  SessionPool pool(dsn);
  RETURN_IF_ERROR(RunAll(pool, constraints, connections));
  RETURN_IF_ERROR(RunAll(pool, indexes, connections));
  std::vector<Job> statistics;
  for (const TableDefinition& table : tables)
    statistics.push_back({&table, {"ANALYZE " + QuoteName(table.schema->name)}});
  return RunAll(pool, statistics, connections);
}

}  // namespace sluice
