#pragma once
// How far the initial copy is, table by table. Counted by the copy's threads, read by whoever shows it.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "change/lsn.h"
#include "change/table_definition.h"

namespace sluice {

enum class CopyState { kWaiting, kCopying, kFinishing, kDone };

struct TableCopyProgress {
  std::string table;
  CopyState state = CopyState::kWaiting;
  uint64_t bytes_total = 0;   ///< Estimate of what lies on the source's disk.
  uint64_t bytes_read = 0;    ///< The same measure: size_bytes of the ranges that are done.
  uint64_t bytes_copied = 0;  ///< What really came over the wire.
  uint64_t rows_copied = 0;
  double rows_estimated = -1; ///< -1: never analysed.
  size_t ranges_kept = 0;     ///< Of a copy that was interrupted: not read again.
  size_t ranges_total = 0;    ///< Only with ranges_kept.
  bool keeps_ranges = false;  ///< What is done of it need not be done again.
};

struct CopyProgressSnapshot {
  Lsn copy_lsn;
  std::chrono::steady_clock::time_point started_at;
  std::vector<TableCopyProgress> tables;
  bool finished = false;
  bool advanced = false;  ///< Ranges were done that a restart would not have to do again.

  uint64_t bytes_total() const;
  uint64_t bytes_read() const;
  size_t count(CopyState state) const;
};

/// Thread-safe.
class CopyProgress {
 public:
  /// Forgets an earlier copy.
  void Begin(Lsn copy_lsn, const std::vector<const TableDefinition*>& tables);
  void RangesKept(size_t table, size_t kept, size_t total, uint64_t kept_bytes);
  void RangeStarted(size_t table);
  void RowsCopied(size_t table, uint64_t rows, uint64_t bytes);
  void RangeDone(size_t table, uint64_t size_bytes);
  void TableState(size_t table, CopyState state);
  void End();

  CopyProgressSnapshot Snapshot() const;

 private:
  mutable std::mutex mutex_;  // Guards everything below.
  CopyProgressSnapshot now_;
};

}  // namespace sluice
