#include "pipeline/progress.h"

#include <algorithm>

namespace sluice {

uint64_t CopyProgressSnapshot::bytes_total() const {
  uint64_t sum = 0;
  for (const TableCopyProgress& table : tables) sum += table.bytes_total;
  return sum;
}

uint64_t CopyProgressSnapshot::bytes_read() const {
  uint64_t sum = 0;
  for (const TableCopyProgress& table : tables) sum += std::min(table.bytes_read, table.bytes_total);
  return sum;
}

size_t CopyProgressSnapshot::count(CopyState state) const {
  return static_cast<size_t>(
      std::count_if(tables.begin(), tables.end(), [&](const auto& table) { return table.state == state; }));
}

void CopyProgress::Begin(Lsn copy_lsn, const std::vector<const TableDefinition*>& tables) {
  const std::lock_guard lock(mutex_);
  now_ = {};
  now_.copy_lsn = copy_lsn;
  now_.started_at = std::chrono::steady_clock::now();
  for (const TableDefinition* table : tables) {
    TableCopyProgress& progress = now_.tables.emplace_back();
    progress.table = ToString(table->schema->name);
    progress.rows_estimated = 0;
    progress.keeps_ranges = table->schema->has_key();
    for (const Leaf& leaf : table->leaves) {
      progress.bytes_total += leaf.size_bytes;
      const bool known = progress.rows_estimated >= 0 && leaf.estimated_rows >= 0;
      progress.rows_estimated = known ? progress.rows_estimated + leaf.estimated_rows : -1;
    }
  }
}

void CopyProgress::RangesKept(size_t table, size_t kept, size_t total, uint64_t kept_bytes) {
  const std::lock_guard lock(mutex_);
  now_.tables[table].ranges_kept = kept;
  now_.tables[table].ranges_total = total;
  now_.tables[table].bytes_read += kept_bytes;
}

void CopyProgress::RangeStarted(size_t table) {
  const std::lock_guard lock(mutex_);
  now_.tables[table].state = CopyState::kCopying;
}

void CopyProgress::RowsCopied(size_t table, uint64_t rows, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  now_.tables[table].rows_copied += rows;
  now_.tables[table].bytes_copied += bytes;
}

void CopyProgress::RangeDone(size_t table, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  now_.tables[table].bytes_read += size_bytes;
  now_.advanced |= now_.tables[table].keeps_ranges;
}

void CopyProgress::TableState(size_t table, CopyState state) {
  const std::lock_guard lock(mutex_);
  now_.tables[table].state = state;
}

void CopyProgress::End() {
  const std::lock_guard lock(mutex_);
  now_.finished = true;
}

CopyProgressSnapshot CopyProgress::Snapshot() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

}  // namespace sluice
