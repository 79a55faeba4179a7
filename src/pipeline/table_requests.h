#pragma once
// What is to become of single tables: asked for by people, or by a failure that is about one table alone. The
// pipeline ends at the next commit, and the next one begins by carrying out what was asked. Outlives them all.

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/copy_state.h"
#include "sink/sink.h"

namespace sluice {

struct TableRequest {
  enum class Kind {
    kHold,       ///< Skip its changes from here on.
    kCopyAgain,  ///< Forget what is there.
    kLoosen,     ///< Let rows in that the source has accepted: labels, partitions, constraints that are gone.
    kFollow,     ///< Bring columns, keys and partitions to the source's, in place or else by a new copy.
  };
  Kind kind = Kind::kHold;
  TableName table;
  std::string sink;         ///< Empty: every sink.
  HeldTable why = {};       ///< Of a hold; its lsn is set when it is carried out.
  bool after_failure = false;    ///< Nobody asked for the hold: where rows were rewritten on the source it is of no use.
  std::string fingerprint = {};  ///< Of a follow: what the source's table must still look like.
};

/// Makes it durable in one sink. What a hold lacks is taken from there. `table`: as the source has it now, if it does.
Status CarryOut(const TableRequest& request, const TableDefinition* table, Sink& sink);

/// Thread-safe.
class TableRequests {
 public:
  void Ask(TableRequest request);
  /// What nobody asked for: a table that is never as it should be is still held in the end.
  void AskDue(std::vector<TableRequest> due);

  /// Asks for the remedy of a failure that is about one table alone: a table whose columns changed in a way that cannot
  /// be followed in place is copied again, a few times within an hour, and a row that is refused is let in where the source's
  /// table has changed, once for each place of the log; anything else is held. `durable`: how far the table is in the sink
  /// that failed. False: it is about more than one table, or will pass by itself.
  bool AskRemedy(const Error& error, Lsn durable, std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());

  bool pending() const;
  /// What to carry out now; Done() once it is durable, else it will be asked again.
  std::vector<TableRequest> Pending() const;
  void Done(size_t count);

  /// Until everything that was asked so far is carried out. Error: kUnavailable (8) after `wait_max`.
  Status WaitUntilDone(std::chrono::milliseconds wait_max);

 private:
  static constexpr size_t kPendingMax = 100'000;
  static constexpr int kCopiesMax = 3;  // A table that fails again behind each new copy would burden the source for ever.
  static constexpr std::chrono::hours kCopiesCounted{1};

  /// What was tried for one table of one sink, since somebody asked for something.
  struct Tried {
    int copies = 0;
    std::chrono::steady_clock::time_point last_copy;
    std::optional<Lsn> loosened_at;
  };

  mutable std::mutex mutex_;  // Guards everything below.
  std::condition_variable done_;
  std::vector<TableRequest> pending_;
  std::map<std::pair<std::string, TableName>, Tried> tried_;  // By sink.
};

}  // namespace sluice
