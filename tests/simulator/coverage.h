#pragma once
// What the generator did, counted over all seeds: a kind that never came up proves nothing, so the test fails for it.

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::simulator {

#define SIMULATOR_EVENTS(EVENT)                                                                                       \
  /* the database's clients */                                                                                        \
  EVENT(kTransaction, "transaction committed") EVENT(kRollback, "transaction rolled back")                            \
  EVENT(kSavepointRollback, "savepoint rolled back") EVENT(kInterleaved, "commit while another is open")              \
  EVENT(kInsert, "insert") EVENT(kUpdate, "update") EVENT(kDelete, "delete") EVENT(kKeyChange, "key changed")         \
  EVENT(kRotation, "keys rotated") EVENT(kTruncate, "truncate") EVENT(kTruncateMany, "truncate of several tables")    \
  EVENT(kToastUntouched, "toasted value untouched") EVENT(kFullIdentity, "old row under full identity")               \
  EVENT(kEmptyTransaction, "empty transaction") EVENT(kLogicalMessage, "logical message")                             \
  EVENT(kOtherTraffic, "log of other databases") EVENT(kLongTransaction, "transaction open for long")                 \
  EVENT(kLargeTransaction, "large transaction") EVENT(kAddColumn, "column added") EVENT(kDropColumn, "column dropped") \
  EVENT(kRewritten, "table rewritten") EVENT(kStructureUndone, "structure change undone by a savepoint")              \
  EVENT(kCreateTable, "table created") EVENT(kDropTable, "table dropped") EVENT(kRecreateTable, "table made anew")    \
  /* the stream */                                                                                                    \
  EVENT(kStreamBlock, "stream block") EVENT(kStreamCommit, "stream commit") EVENT(kStreamAbort, "stream abort")       \
  EVENT(kStreamAbortSub, "stream abort of a subtransaction") EVENT(kStreamAbortUnknown, "stream abort of an unknown one") \
  EVENT(kRelationAgain, "relation sent again") EVENT(kKeepalive, "keepalive") EVENT(kKeepaliveBeyond, "keepalive beyond the data") \
  EVENT(kSpill, "transaction spilled") EVENT(kTextTuples, "text instead of binary")                                   \
  /* faults of the source */                                                                                          \
  EVENT(kStreamCut, "stream cut") EVENT(kSourceError, "source call failed") EVENT(kSlotLingers, "slot active for long") \
  EVENT(kServerCrash, "source crashed") EVENT(kConfirmedWentBack, "confirmed position went back")                     \
  EVENT(kSourceDown, "source unreachable") EVENT(kSlotDropped, "slot dropped") EVENT(kSlotRecreated, "slot made anew") \
  EVENT(kSlotInvalidated, "slot invalidated") EVENT(kOtherSystem, "another system") EVENT(kFailover, "failover to a standby behind") \
  EVENT(kExporterKilled, "exporting session killed") EVENT(kRewrittenInCopy, "table emptied or rewritten while copied")            \
  EVENT(kSnapshotWaited, "snapshot waited for a transaction") EVENT(kSnapshotLate, "snapshot gave up waiting")        \
  /* sinks */                                                                                                         \
  EVENT(kSinkCommit, "sink commit") EVENT(kSinkError, "sink call failed") EVENT(kCommitLost, "reply of a commit lost") \
  EVENT(kCommitUndone, "unknown commit that took no effect") EVENT(kCommitLate, "commit of an old backend landed")    \
  EVENT(kCommitFenced, "commit of an old backend fenced") EVENT(kEpochStolen, "epoch taken by another")               \
  EVENT(kSinkSlow, "slow sink") EVENT(kSinkBlocked, "blocked sink") EVENT(kSinkFailover, "sink went back")            \
  EVENT(kTableError, "error of one table") EVENT(kTableHeld, "table held") EVENT(kFollowError, "follow refused")      \
  EVENT(kFollowed, "followed in place") EVENT(kCopied, "table copied") EVENT(kCopiedBeside, "table copied beside")    \
  EVENT(kCaughtUp, "table caught up") EVENT(kQueueFull, "queue full")                                                 \
  /* copies that are interrupted */                                                                                    \
  EVENT(kRangeKept, "range kept") EVENT(kCopyGoesOn, "interrupted copy goes on")                                      \
  EVENT(kCopyGoesOnAgain, "copy interrupted again goes on") EVENT(kCopyFromTheStart, "interrupted copy starts again") \
  EVENT(kRowsReadAgain, "touched rows read again") EVENT(kRowMoved, "touched row in two ranges")                      \
  EVENT(kKillInCopy, "killed after a range")                                                                          \
  /* the process and its people */                                                                                    \
  EVENT(kKill, "killed") EVENT(kStop, "stopped") EVENT(kRestart, "started") EVENT(kGaveUp, "gave up, started by hand") \
  EVENT(kGuardStop, "stopped by a guard") EVENT(kResync, "resync asked") EVENT(kSkip, "skip asked")                   \
  EVENT(kVerify, "verify equal") EVENT(kVerifyFailed, "verify did not come about") EVENT(kStall, "thread stalled")

enum class Event {
#define EVENT(name, text) name,
  SIMULATOR_EVENTS(EVENT)
#undef EVENT
      kEnd
};

/// Once more it happened.
void Count(Event event);
std::string_view NameOf(Event event);
/// By event, since the program started.
const std::vector<uint64_t>& Counts();
/// A seed that is run again counts once.
void RestoreCounts(std::vector<uint64_t> counts);
/// What never happened.
std::vector<Event> NeverHappened();

}  // namespace sluice::simulator
