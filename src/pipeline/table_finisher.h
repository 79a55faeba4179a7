#pragma once
// Finishes tables of one sink on a thread of its own, so that building indexes and committing overlap with the
// copying of other tables.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "change/position.h"
#include "sink/sink.h"
#include "source/initial_copy.h"

namespace sluice {

/// A thousand small tables must not take a thousand slow commits, and a large one must not wait for long.
inline constexpr size_t kTablesFinishedTogetherMax = 64;
inline constexpr std::chrono::milliseconds kTablesCollectedFor{1000};

class TableFinisher {
 public:
  /// `on_done` is told the tables that became complete, `on_error` the failure after which nothing more is done.
  TableFinisher(Sink& sink, InitialCopy& copy, const std::vector<TableDefinition>& tables, Position position, Timestamp source_time,
                std::function<void(const std::vector<size_t>&)> on_done, std::function<void(Error)> on_error);
  ~TableFinisher();

  void Start();
  void Add(size_t table);     ///< All rows of it are in the sink.
  void NoMore();              ///< Finish what was added, then end.
  void Join();

 private:
  void Run();
  std::vector<size_t> NextGroup();
  Status Finish(const std::vector<size_t>& group);

  Sink& sink_;
  InitialCopy& copy_;
  const std::vector<TableDefinition>& tables_;
  const Position position_;
  const Timestamp source_time_;
  const std::function<void(const std::vector<size_t>&)> on_done_;
  const std::function<void(Error)> on_error_;

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable changed_;
  std::vector<size_t> waiting_;
  bool no_more_ = false;
  bool abandoned_ = false;

  std::thread thread_;
};

}  // namespace sluice
