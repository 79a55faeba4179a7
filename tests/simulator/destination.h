#pragma once
// What a destination holds durably, and the commits of old backends that may still land there.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "change/copy_state.h"
#include "scheduler.h"
#include "sink/sink.h"
#include "table_content.h"

namespace sluice::simulator {

/// One step of a commit, as a backend would carry it out.
struct Step {
  enum class Kind { kPut, kErase, kClear, kDropColumn } kind = Kind::kPut;
  TableName table;
  int64_t key = 0;
  Row row;
  int16_t attribute = 0;
};

/// A commit on its way.
struct Commitment {
  uint64_t epoch = 0;
  std::vector<Step> steps;
  std::vector<TableName> catching_up;  ///< Tables that it brings to `position`, as far as its handle knows them.
  Position position;
  Timestamp source_time{};
  Nanoseconds lands_at = 0;
};

class Destination {
 public:
  struct State {
    std::map<TableName, TableContent> tables;
    CopiedTables copied;
    HeldTables held;
    std::optional<Bookmark> bookmark;
    uint64_t epoch = 0;
  };

  explicit Destination(std::string sink_name) : name(std::move(sink_name)) {}

  /// All or nothing. False: another epoch holds the destination.
  bool Land(const Commitment& commitment);
  /// Those of old backends whose time has come.
  void LandLate(Nanoseconds now);
  /// What Open does: whoever is still committing is waited for, or fenced.
  uint64_t TakeEpoch(bool wait_for_late);
  void Remember();  ///< As a standby that from now on falls behind would.

  const std::string name;
  State durable;
  std::deque<Commitment> late;
  std::deque<State> earlier;
  uint64_t incarnation = 1;
  uint64_t opened_incarnation = 1;   ///< When it was opened last: what went back since, nobody can know yet.
  Nanoseconds blocked_until = 0;
};

}  // namespace sluice::simulator
