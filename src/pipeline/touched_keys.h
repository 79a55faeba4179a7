#pragma once
// Which rows changed while a copy was interrupted: the keys that the stream tells since the first of its snapshots.

#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "change/change_batch.h"
#include "change/streamed_keys.h"
#include "source/source.h"

namespace sluice {

/// Of all tables together; beyond it the table that needed more is copied from its start.
inline constexpr size_t kTouchedBytesMax = 128u << 20;

/// A copy that a sink keeps. What committed before its first snapshot is in it already and is no key of it: rows are
/// removed by these keys, and if that is interrupted the next start, which may read less of the stream, has to find
/// the same ones.
struct InterruptedCopy {
  TableSchemaPtr table;  ///< As the catalog has it; with a key.
  Lsn since = {};        ///< KeptCopy::lsn.
};

/// What is known of one table since one snapshot.
struct TouchedTable {
  StreamedKeys keys;    ///< Old and new ones.
  std::string unknown;  ///< Why they don't tell which rows changed; empty: they do.
};
/// Sinks may have begun under different snapshots.
using TouchedTables = std::map<std::pair<TableName, Lsn>, TouchedTable>;

/// Collects until somebody takes it. Add is called by one thread, the others by another.
class TouchedKeys {
 public:
  explicit TouchedKeys(const std::vector<InterruptedCopy>& copies, size_t bytes_max = kTouchedBytesMax);

  void Add(const ChangeBatch& batch);

  /// Waits until every transaction that commits before `lsn` was added. What was touched later may be in it too.
  /// Collects nothing more. Error: kCancelled.
  Result<TouchedTables> TakeUpTo(Lsn lsn, const std::stop_token& stop);

 private:
  struct Watched {
    TableSchemaPtr schema;
    TouchedTable touched = {};
    size_t bytes = 0;
  };

  void AddChange(const ChangeBatch& batch, const Change& change, Lsn commit_lsn);
  void AddChange(const ChangeBatch& batch, const Change& change, Watched& table);
  void AddKey(Watched& table, std::string key);
  void GiveUp(Watched& table, std::string why);

  const size_t bytes_max_;

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable_any changed_;
  std::map<std::pair<TableName, Lsn>, Watched> tables_;
  size_t bytes_ = 0;
  Lsn reached_;
  bool taken_ = false;
};

/// Reads the slot's stream, which nobody else reads, from `from` up to `up_to` into `touched`, and acknowledges nothing.
Status ReadTouchedKeys(Source& source, Lsn from, Lsn up_to, TouchedKeys& touched, const std::stop_token& stop);

}  // namespace sluice
