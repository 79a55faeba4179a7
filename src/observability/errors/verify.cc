// Errors 7xxx: comparing source and sinks.
// One entry per code of verify_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/verify_codes.h"

namespace sluice::errors {
namespace {

constexpr ErrorEntry kErrors[] = {
    {slu::kVerifyDifferent, "a table differs between the source and a sink",
     "Somebody else wrote to the destination, or sluice has a fault. All were compared at the same moment of the source, so load is no reason.",
     "see which rows: sluice verify diff TABLE\n"
     "put them right: sluice verify repair TABLE --dry-run, then without --dry-run\n"
     "see who else may write there, and take that right away\n"
     "if nobody else wrote: report it with the output of sluice verify --json and sluice version --json",
     ExitCode::kFindings},
    {slu::kVerifyNotStreaming, "there is no moment to compare at, because the stream does not run",
     "Source and sinks are compared at one moment of the stream. It is still copying, waiting for a retry, or has just ended.",
     "look what it does: sluice status\nthen again: sluice verify", ExitCode::kUnavailable},
    {slu::kVerifySnapshotLate, "the source did not export a snapshot in time",
     "PostgreSQL exports one only once every transaction that was open at the start has ended, and the stream stands still for 5 s at most.",
     "try again when no long transaction is open\n"
     "see which are: SELECT pid, xact_start, query FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY 2;",
     ExitCode::kUnavailable},
    {slu::kVerifyBusy, "another verification is being prepared",
     "Only one moment can be held at a time.", "wait for the other one, then run sluice verify again", ExitCode::kConflict},
    {slu::kVerifyNothingCopied, "the initial copy has not been made yet",
     "A destination has no bookmark, so there is nothing to compare.",
     "sluice run --until-caught-up\nthen: sluice verify", ExitCode::kNotFound},
    {slu::kVerifyNoSuchTable, "no table matches",
     "None of the source's tables has such a name.", "see their names: sluice tables", ExitCode::kNotFound},
    {slu::kRepairTooLate, "the destination did not wait long enough to be repaired",
     "Its stream stands still while the right rows are fetched from the source, for 60 s at most. Nothing was changed.",
     "run sluice verify repair again, with fewer tables at a time", ExitCode::kUnavailable},
    {slu::kRepairRefused, "rows can't be put right",
     "A repair writes single rows by their key, so the table needs one; and the destination must take the rows. Nothing was changed.",
     "see what differs: sluice verify diff TABLE\n"
     "if a rule of the destination refuses the row: drop that rule there\n"
     "without a key: copy the table again: sluice resync TABLE", ExitCode::kFindings},
};

}  // namespace

std::span<const ErrorEntry> Verify() { return kErrors; }

}  // namespace sluice::errors
