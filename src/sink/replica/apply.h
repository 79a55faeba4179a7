#pragma once
// Brings effects into the replica, each commit as one transaction together with its bookmark.

#include <optional>
#include <span>

#include "sink/replica/apply_plan.h"
#include "sink/replica/bulk_apply.h"
#include "sink/replica/row_pipeline.h"
#include "sink/replica/session.h"

namespace sluice {

struct CommitPoint {
  Position position;
  Timestamp source_time{};
  uint64_t epoch = 0;
  std::vector<TableName> catching_up = {};  ///< Tables that the commit moves too.
  std::optional<Lsn> caught_up_to = {};  ///< How far; unset: as far as the bookmark.
};

class Applier {
 public:
  explicit Applier(ReplicaSession& session)
      : connection_(session.connection), replica_role_(session.replica_role), rows_(connection_),
        bulk_(connection_, session.replica_role) {}

  /// Applies the effects; with `commit` they become visible together with everything applied before and with the
  /// bookmark, else they stay inside the open transaction. A commit of a few rows is one round trip.
  /// Error: kUnavailable, kConflict (fenced), kOutcomeUnknown (lost while committing), kNeedsOperator (row
  /// missing or in the way), kCorrupt. After an error the applier is not usable any more.
  Status Apply(std::span<const TableEffect> effects, const CommitPoint* commit);

  /// Opens the transaction that the next Apply goes on with.
  Status Begin();
  /// The same where no transaction is open.
  Status EnsureBegun() { return in_transaction_ ? Ok() : Begin(); }
  /// Undoes everything since Begin.
  Status Rollback();

  bool in_transaction() const { return in_transaction_; }
  uint64_t collisions() const { return collisions_; }

 private:
  ApplyOutcome InOneRoundTrip(std::span<const TableEffect> effects, const CommitPoint& commit);
  ApplyOutcome InTransaction(std::span<const TableEffect> effects, const std::vector<Way>& ways);
  Status CommitTransaction(const CommitPoint& commit);
  Status UndoPart();

  PgConnection& connection_;
  const bool replica_role_;
  RowPipeline rows_;
  BulkApply bulk_;
  bool in_transaction_ = false;
  uint64_t collisions_ = 0;
};

}  // namespace sluice
