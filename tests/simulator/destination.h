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

/// What a destination has durably of a copy that is not complete.
struct KeptRows {
  KeptCopy copy;                     ///< Without a range: it was begun, which nobody is told.
  std::multimap<int64_t, Row> rows;  ///< A row that has moved lies in two ranges until it is read again.
  int went_on = 0;                   ///< How often the copy was interrupted.
};

/// Which finished ranges outlive an interruption: as the replica, whose ranges are transactions, with what is removed and
/// read again; as the lake, whose files hold several, and whose deletes come with the last commit; or none.
enum class Keeping { kAll, kSome, kNone };

class Destination {
 public:
  struct State {
    std::map<TableName, TableContent> tables;
    std::map<TableName, KeptRows> kept;
    CopiedTables copied;
    HeldTables held;
    std::optional<Bookmark> bookmark;
    uint64_t epoch = 0;
  };

  Destination(std::string sink_name, Keeping what) : name(std::move(sink_name)), keeping(what) {}

  /// All or nothing. False: another epoch holds the destination.
  bool Land(const Commitment& commitment);
  /// Those of old backends whose time has come.
  void LandLate(Nanoseconds now);
  /// What Open does: whoever is still committing is waited for, or fenced.
  uint64_t TakeEpoch(bool wait_for_late);
  void Remember();  ///< As a standby that from now on falls behind would.

  const std::string name;
  const Keeping keeping;
  State durable;
  std::deque<Commitment> late;
  std::deque<State> earlier;
  uint64_t incarnation = 1;
  uint64_t opened_incarnation = 1;   ///< When it was opened last: what went back since, nobody can know yet.
  Nanoseconds blocked_until = 0;
  uint64_t ranges_copied = 0;        ///< So far, by all processes.
};

}  // namespace sluice::simulator
