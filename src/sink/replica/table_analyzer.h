#pragma once
// Planner statistics of copied tables, made on a thread and connection of their own: nothing waits for them.

#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "base/result.h"
#include "change/table_schema.h"
#include "sink/replica/session.h"

namespace sluice {

class TableAnalyzer {
 public:
  explicit TableAnalyzer(std::string dsn);
  /// Cancels what is under way.
  ~TableAnalyzer();

  /// There may be copied tables that nobody has analyzed yet, of this process or of one before. Each is tried once;
  /// a failure is logged and costs nothing but the statistics.
  void Wake();

 private:
  void Run(const std::stop_token& stop);
  Status AnalyzeAll(const std::stop_token& stop);
  Status Analyze(PgConnection& connection, const TableName& table, const std::stop_token& stop);

  const std::string dsn_;
  std::set<TableName> tried_;  // The thread's own.

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable_any changed_;
  bool due_ = false;

  std::jthread thread_;
};

}  // namespace sluice
