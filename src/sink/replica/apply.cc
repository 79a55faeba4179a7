#include "sink/replica/apply.h"

#include "base/failpoint.h"
#include "observability/log.h"
#include "sink/replica/bookkeeping.h"

namespace sluice {

ApplyOutcome Applier::InOneRoundTrip(std::span<const TableEffect> effects, const CommitPoint& commit) {
  // Everything up to the synchronization is one implicit transaction, committed by it.
  for (const TableEffect& effect : effects)
    if (auto failure = rows_.Send(effect, /*guarded=*/true)) return failure;
  if (auto failure = rows_.SendGuard("bookmark", kGuardedMoveBookmark,
                                     BookmarkParameters(commit.position, commit.source_time, commit.epoch)))
    return failure;
  return rows_.Finish(/*commits=*/true);
}

ApplyOutcome Applier::InTransaction(std::span<const TableEffect> effects, const std::vector<Way>& ways) {
  for (size_t i = 0; i < effects.size(); ++i) {
    if (ways[i] != Way::kRows) {
      if (auto failure = rows_.Finish(false)) return failure;
      if (auto failure = bulk_.Apply(effects[i], ways[i])) return failure;
      continue;
    }
    if (auto failure = rows_.Send(effects[i], /*guarded=*/false)) return failure;
  }
  return rows_.Finish(false);
}

Status Applier::UndoPart() {
  // Everything in one transaction so far is as of the savepoint; a stage made since is gone.
  const auto undone = connection_.Execute("ROLLBACK TO SAVEPOINT part");
  bulk_.ForgetStages();
  return undone.ok() ? Status() : undone.error();
}

Status Applier::CommitTransaction(const CommitPoint& commit) {
  SLUICE_FAILPOINT("replica.before_bookmark");
  RETURN_IF_ERROR(MoveBookmark(connection_, commit.position, commit.source_time, commit.epoch));
  RETURN_IF_ERROR(RecordCaughtUp(connection_, commit.catching_up, commit.caught_up_to));
  SLUICE_FAILPOINT("replica.before_commit");
  const auto committed = connection_.Execute("COMMIT");
  if (!committed.ok()) {
    Error error = committed.error();
    if (PQstatus(connection_.get()) == CONNECTION_BAD) error.kind = ErrorKind::kOutcomeUnknown;
    return error;
  }
  in_transaction_ = false;
  bulk_.TransactionEnded();
  return Ok();
}

Status Applier::Begin() {
  RETURN_IF_ERROR(connection_.Execute("BEGIN"));
  in_transaction_ = true;
  return Ok();
}

Status Applier::Rollback() {
  RETURN_IF_ERROR(connection_.Execute("ROLLBACK"));
  in_transaction_ = false;
  bulk_.ForgetStages();
  return Ok();
}

Status Applier::Apply(std::span<const TableEffect> effects, const CommitPoint* commit) {
  PlanOptions options;
  options.replica_role = replica_role_;
  options.commits = commit != nullptr && commit->catching_up.empty();
  options.in_transaction = in_transaction_;
  ApplyPlan plan = PlanApply(effects, options);
  if (plan.one_round_trip) {
    SLUICE_FAILPOINT("replica.before_commit");
    ApplyOutcome outcome = InOneRoundTrip(effects, *commit);
    if (!outcome) {
      SLUICE_FAILPOINT("replica.after_commit");
      return Ok();
    }
    if (!outcome->collision) return std::move(outcome->error);
    options.redo = true;
  }
  RETURN_IF_ERROR(connection_.Execute(in_transaction_ ? "SAVEPOINT part" : "BEGIN; SAVEPOINT part"));
  in_transaction_ = true;
  if (!options.redo) {
    ApplyOutcome outcome = InTransaction(effects, plan.ways);
    if (outcome && !outcome->collision) return std::move(outcome->error);
    if (outcome) {
      RETURN_IF_ERROR(UndoPart());
      options.redo = true;
    }
  }
  if (options.redo) {
    ++collisions_;
    log::Debug("replica", "replica.redo", "rows collide on the way to their final state; replacing them instead");
    // A deferrable constraint may be violated between two parts of a transaction.
    RETURN_IF_ERROR(connection_.Execute("SET CONSTRAINTS ALL DEFERRED"));
    if (ApplyOutcome outcome = InTransaction(effects, PlanApply(effects, options).ways)) return std::move(outcome->error);
  }
  SLUICE_FAILPOINT("replica.after_part");
  if (commit == nullptr) {
    RETURN_IF_ERROR(connection_.Execute("RELEASE SAVEPOINT part"));
    return Ok();
  }
  RETURN_IF_ERROR(CommitTransaction(*commit));
  SLUICE_FAILPOINT("replica.after_commit");
  return Ok();
}

}  // namespace sluice
