#pragma once
// Single-row statements, prepared once and sent many to a round trip in libpq's pipeline mode.

#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "postgres/connection.h"
#include "sink/replica/net_effect.h"
#include "sink/replica/table_effect.h"

namespace sluice {

/// Why applying failed, for whoever can try another way.
struct ApplyFailure {
  Error error;
  bool collision = false;  ///< Unique or exclusion violation: replacing rows may get around it.
};
/// Empty: success.
using ApplyOutcome = std::optional<ApplyFailure>;

/// Sorts an error of the server by its SQLSTATE. `table`: whose statement it was; nullptr: none's.
ApplyFailure SortedFailure(Error error, std::string_view sql_state, const DestinationTable* table);
/// The same, of a result.
ApplyFailure FailureOf(const PgConnection& connection, const PGresult* result, const DestinationTable* table);
/// The row that should be there is not. Logs it: a divergence is never silent.
ApplyFailure MissingRow(const DestinationTable& table);

class RowPipeline {
 public:
  explicit RowPipeline(PgConnection& connection) : connection_(connection) {}

  /// Sends the effect's statements. With `guarded`, a missing row is an error on the server, so that what
  /// follows in the same pipeline does not happen; else Finish() finds it.
  ApplyOutcome Send(const TableEffect& effect, bool guarded);

  /// Sends a statement that must return one row without error. Text parameters.
  ApplyOutcome SendGuard(const char* name, const char* sql, const std::vector<std::string>& parameters);

  /// Reads all replies. Outside a transaction block, success means that everything was committed.
  /// A connection lost here: kOutcomeUnknown if `commits`.
  ApplyOutcome Finish(bool commits);

  /// Statements of tables whose columns may have changed; also after a rollback.
  Status ForgetStatements();

 private:
  enum class Expect { kNothing, kOneRow, kGuard, kFence };
  struct Sent {
    Expect expect = Expect::kNothing;
    const DestinationTable* table = nullptr;
  };
  enum class Verb : char { kInsert = 'i', kUpdate = 'u', kDelete = 'd', kTruncate = 't' };

  ApplyOutcome Enter();
  ApplyOutcome SendRow(const DestinationTable& table, Verb verb, const std::byte* new_tuple, const std::byte* old_tuple,
                       bool set_key, bool guarded);
  ApplyOutcome AddValue(const DestinationColumn& column, const Value& value);
  ApplyOutcome Prepare(const std::string& sql, const std::string& key, std::string& name, const DestinationTable* table);
  ApplyOutcome SendPrepared(const std::string& name, Sent expect);
  ApplyOutcome Lost() const;
  ApplyOutcome Drain();

  PgConnection& connection_;
  bool active_ = false;
  std::vector<Sent> sent_;
  std::unordered_map<std::string, std::string> prepared_;  ///< Kind of statement → its name on the server.
  size_t prepared_count_ = 0;
  size_t unsent_bytes_ = 0;
  // Of the statement being built; kept for their memory.
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<Oid> types_;
  std::string key_;
  std::vector<size_t> set_;
  TupleArena arena_;
};

}  // namespace sluice
