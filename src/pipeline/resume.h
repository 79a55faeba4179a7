#pragma once
// Where a start goes on, decided from what the source and the destinations say about themselves. Pure.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/copy_state.h"
#include "change/position.h"
#include "sink/sink.h"
#include "source/source.h"

namespace sluice {

/// What a sink found in its destination when it was opened.
struct SinkState {
  std::string name;
  std::optional<Bookmark> bookmark;
  CopiedTables copied;
  HeldTables held = {};
};

/// A table as it is named and identified in the source now.
struct SourceTable {
  TableName name;
  Oid oid = 0;
};

struct ResumePlan {
  bool create_slot = false;                        ///< Nothing was ever copied, and no slot is there.
  std::vector<std::vector<size_t>> tables_to_copy; ///< Per sink: indexes into the source's tables.

  bool needs_copy() const {
    for (const auto& tables : tables_to_copy)
      if (!tables.empty()) return true;
    return false;
  }
};

/// Decides what to copy and whether the stream can be resumed without a gap. A table that was a partition waits until
/// its parent has been followed.
/// Error: kSourceLost (slot lost 2204, slot ahead of a bookmark 2205, slot gone 2201), kNeedsOperator (another server
/// 8101, a timeline that lacks what a sink has 8102, another database or slot 8104, a log that ends before a bookmark 8105).
Result<ResumePlan> DecideResume(const SourceLog& log, const std::optional<SlotState>& slot,
                                std::span<const SinkState> sinks, std::span<const SourceTable> tables);

/// Where the stream must start: where the sink that is farthest behind goes on, of those that have a bookmark; one
/// at least has.
/// Error: as above, if a bookmark does not fit the slot.
Result<Lsn> ResumeFrom(const SourceLog& log, const std::optional<SlotState>& slot, std::span<const SinkState> sinks);

}  // namespace sluice
