#include "sink/replica/finish_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/failpoint.h"
#include "change/table_error.h"
#include "observability/errors/replica_codes.h"
#include "sink/replica/after_rows.h"
#include "sink/replica/needed_objects.h"
#include "sink/replica/session.h"

namespace sluice {
namespace {

struct Job {
  const TableDefinition* table = nullptr;
  std::vector<AfterRowsStatement> statements;
};

// 42P07, 42710, 42P16: it is there already, since the user made the table.
bool IsThere(const Error& error) {
  const std::string& words = error.evidence;
  return words.ends_with("[42P07]") || words.ends_with("[42710]") || words.ends_with("[42P16]");
}

Status RunJob(PgConnection& connection, const Job& job) {
  const TableName& table = job.table->schema->name;
  for (const AfterRowsStatement& statement : job.statements) {
    SLUICE_FAILPOINT("replica.before_index");
    const auto done = connection.Execute(statement.sql);
    if (done.ok() || IsThere(done.error())) continue;
    if (done.error().kind == ErrorKind::kUnavailable) return done.error();
    if (statement.required)
      return About(table, Error{ErrorKind::kNeedsOperator, fmt::format("table {}: {:.200}", ToString(table), statement.sql), slu::kReplicaTableUndone,
                                done.error().evidence});
    LogLeftOut(table, statement.object, RefusedBecause(done.error(), statement.sql + ";"));
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
  SessionPool pool(dsn);
  ASSIGN_OR_RETURN(ReplicaSession session, pool.Take());
  ASSIGN_OR_RETURN(const std::set<std::string> extensions, InstalledExtensions(session.connection));
  pool.Give(std::move(session));
  std::vector<Job> constraints;
  std::vector<Job> indexes;
  for (const TableDefinition& table : tables) {
    AfterRows after = StatementsAfterRows(table, extensions);
    for (const auto& [object, hindrance] : after.left_out) LogLeftOut(table.schema->name, object, hindrance);
    if (!after.in_order.empty()) constraints.push_back({&table, std::move(after.in_order)});
    for (AfterRowsStatement& statement : after.parallel) indexes.push_back({&table, {std::move(statement)}});
  }
  RETURN_IF_ERROR(RunAll(pool, constraints, connections));
  return RunAll(pool, indexes, connections);
}

}  // namespace sluice
