#pragma once
// Many changes of one table at once: rows go in by COPY; what is to be changed or deleted goes by COPY into a
// session-local stage and from there in one statement per kind.
//
// Stage columns: step (which statement a row is for), o… (the key a row had), c… (its new values; text where the
// type has no binary form).

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sink/replica/apply_plan.h"
#include "sink/replica/copy_in.h"
#include "sink/replica/row_pipeline.h"

namespace sluice {

class BulkApply {
 public:
  BulkApply(PgConnection& connection, bool replica_role) : connection_(connection), replica_role_(replica_role) {}

  /// Inside a transaction.
  ApplyOutcome Apply(const TableEffect& effect, Way way);

  /// Rows into the table as they are in the wire's TupleData; by way of the stage where a type has no binary form.
  ApplyOutcome Insert(const DestinationTable& table, std::span<const std::byte* const> tuples,
                      std::span<const NetRow* const> rows);

  /// The server has dropped the stages, or may have: after a rollback.
  void ForgetStages() { stages_.clear(); }
  /// Stages empty themselves at the end of a transaction.
  void TransactionEnded();

 private:
  struct Stage {
    std::string name;
    int32_t step = 0;
    bool dirty = false;            ///< Holds rows of this transaction.
  };
  /// Updates that leave the same columns unchanged, and either all or none of them change the key.
  struct Group {
    std::vector<size_t> set;       ///< Columns with a value, ascending.
    std::vector<size_t> unchanged;
    std::vector<const NetRow*> rows;
    int32_t step = 0;
  };

  ApplyOutcome Run(const std::string& sql, const DestinationTable& table, std::optional<uint64_t> rows_expected);
  ApplyOutcome OpenStage(const DestinationTable& table, Stage*& stage);
  ApplyOutcome EmptyStage(const DestinationTable& table, Stage& stage);
  ApplyOutcome FinishCopy(CopyIn& copy, const DestinationTable& table);
  ApplyOutcome StageKeys(const DestinationTable& table, Stage& stage, int32_t step, std::span<const NetRow* const> first,
                         std::span<const NetRow* const> second);
  ApplyOutcome StageGroup(const DestinationTable& table, Stage& stage, Group& group);
  ApplyOutcome UpdateGroup(const DestinationTable& table, Stage& stage, Group& group);
  ApplyOutcome FillGroup(const DestinationTable& table, Stage& stage, const Group& group);
  ApplyOutcome InsertFromStage(const DestinationTable& table, const Stage& stage, int32_t step);

  PgConnection& connection_;
  const bool replica_role_;
  std::map<uint64_t, Stage> stages_;   ///< By DestinationTable::id.
};

/// Columns of a stage, for CREATE TABLE; also of the side table of a copy.
std::string StageColumns(const DestinationTable& table);
/// The values of a stage's row as the table wants them.
std::string StageValues(const DestinationTable& table);

}  // namespace sluice
