// Errors 8xxx: the pipeline's own state, bookmarks, other processes.
// One entry per code of state_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/state_codes.h"

namespace sluice::errors {
namespace {

constexpr ErrorEntry kErrors[] = {
    {slu::kOtherServer, "a destination follows another server",
     "Its bookmark names another system identifier. Positions of two servers cannot be compared, so going on could lose or double changes in silence. "
     "A major upgrade by dump, a new cluster and a blue/green switch all make another server.",
     "name the right source in the configuration\n"
     "or, if the new server replaces the old: sluice start-over, then sluice run: the tables are copied again while readers see the old rows",
     ExitCode::kRefused},
    {slu::kOtherTimeline, "the source lacks what a destination has already",
     "A standby was promoted, or the source was restored to a point in time, before it had all that was streamed from the old primary. The positions in "
     "between mean something else on the new timeline. A source that was promoted with all of it is followed without a word.",
     "if the old primary can come back: let it, and promote again once the standby has all\n"
     "else see what was lost: sluice tables names what is followed; the destinations still have it\n"
     "then sluice start-over, then sluice run: the tables are copied again while readers see the old rows",
     ExitCode::kRefused},
    {slu::kSourceBehind, "the source's log ends before what a destination has",
     "It is the same server by its identifier, but younger: restored from an older copy of its disk, or a clone of production that was made earlier. Going on would "
     "skip changes once its log has grown to that position.",
     "name the right source in the configuration\n"
     "or, if this is the source from now on: sluice start-over, then sluice run: the tables are copied again while readers see the old rows",
     ExitCode::kRefused},
    {slu::kFenced, "another process took over this destination",
     "Opening a destination takes the next epoch; a commit under an older one is refused, so that two processes can never both write.",
     "stop one of the two: sluice status shows who runs where", ExitCode::kConflict},
    {slu::kOtherSlot, "a destination follows another database or slot",
     "Its bookmark was written under another name than the configuration has, so nobody knows whether that slot kept what is missing.",
     "name the old slot and database in the configuration\n"
     "or sluice start-over, then sluice run: the tables are copied again while readers see the old rows",
     ExitCode::kRefused},
    {slu::kAlreadyRunning, "another sluice runs with this state folder",
     "It holds the lock in .sluice/lock; the lock goes with the process, so it is alive.",
     "see what it does: sluice status\nor stop it, then run again", ExitCode::kConflict},
    {slu::kControlSocket, "the control socket cannot be made",
     "status, tables and verify ask the running process over .sluice/sluice.sock. Its path may be too long (107 bytes), or the folder not writable.",
     "keep the configuration, with .sluice beside it, in a folder that has a shorter path and can be written", ExitCode::kFailed},
    {slu::kControlProtocol, "the control socket carried something that is not one of our messages",
     "Another program, or another version of sluice, is on the other end.",
     "use the same version as the running process: sluice version", ExitCode::kFailed},
    {slu::kTableHeldByHand, "the table is not followed, because somebody asked for it",
     "sluice skip holds a table: its rows stay as they were then, and its changes are skipped. All other tables go on.",
     "sluice resync TABLE      copies it again and follows it from there", ExitCode::kDegraded},
    {slu::kRequestWaits, "the request is noted, but not carried out yet",
     "The running process carries it out at its next commit. A large transaction or a destination that is away can put that off.",
     "see what it does: sluice status\nask again later: asking twice does no harm", ExitCode::kTimedOut},
    {slu::kTablesHeld, "some tables are held, all others are done",
     "A table that cannot go on in a destination is held there: its rows stay as they were, and its changes are skipped until it is copied again. "
     "sluice status names the reason of each.",
     "read the reason: sluice explain CODE, and put right what it names\nsluice resync TABLE      copies it again while everything else goes on\n"
     "or leave it out: tables.exclude", ExitCode::kDegraded},
};

}  // namespace

std::span<const ErrorEntry> State() { return kErrors; }

}  // namespace sluice::errors
