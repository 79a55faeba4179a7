#pragma once
// Rows of binary COPY on their way to a sink.

#include <vector>

#include "change/row_receiver.h"
#include "sink/mapping/tuple_mapping.h"

namespace sluice::mapping {

/// Hands on what the plan makes of rows. `to` must outlive it.
class MappedRows final : public RowReceiver {
 public:
  MappedRows(TablePlanPtr plan, RowReceiver& to) : plan_(std::move(plan)), to_(to) {}

  Status Rows(Bytes rows, size_t count) override {
    if (plan_->same_tuples()) return to_.Rows(rows, count);
    mapped_.clear();
    size_t kept = 0;
    ByteReader reader(rows);
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(ReadCopyRow(*plan_, reader, work_.values));
      const Verdict verdict = Judge(plan_->conditions, work_.values, {}, work_.mask.scratch);
      if (verdict == Verdict::kMalformed) return MalformedValue(*plan_);
      if (verdict != Verdict::kTaken) continue;
      RETURN_IF_ERROR(AppendCopyRow(*plan_, work_, mapped_));
      ++kept;
    }
    return kept > 0 ? to_.Rows(mapped_, kept) : Ok();
  }

 private:
  const TablePlanPtr plan_;
  RowReceiver& to_;
  RowWork work_;
  std::vector<std::byte> mapped_;
};

/// Appends the keys of rows as the sink has them, also of rows that it has not. `rows`: only their key columns are set.
inline Status MapKeys(const TablePlan& plan, Bytes rows, size_t count, std::vector<std::byte>& mapped) {
  RowWork work;
  ByteReader reader(rows);
  for (size_t i = 0; i < count; ++i) {
    RETURN_IF_ERROR(ReadCopyRow(plan, reader, work.values));
    RETURN_IF_ERROR(AppendCopyRow(plan, work, mapped));
  }
  return Ok();
}

}  // namespace sluice::mapping
