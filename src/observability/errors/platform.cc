// Errors 9xxx: what is not ours: the general entry of each kind, the machine, the network.
// One entry per code of platform_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/platform_codes.h"

namespace sluice::errors {
namespace {

constexpr ErrorEntry kErrors[] = {
    {slu::kGeneralUnavailable, "a dependency cannot be reached",
     "The other side is down, starting or too slow.",
     "check that it runs and can be reached from here; sluice retries by itself while it runs",
     ExitCode::kUnavailable},
    {slu::kGeneralConflict, "somebody else writes to the same place",
     "Another process took over, or holds what we need.",
     "stop the other process, then run again", ExitCode::kConflict},
    {slu::kGeneralUnknown, "the outcome of a commit is not known",
     "The reply was lost after the commit was sent.",
     "run again: sluice looks at the destination before it does anything", ExitCode::kUnavailable},
    {slu::kGeneralOperator, "something must be changed before sluice can go on",
     "The other side refused, and would refuse again.",
     "read the lines above, change what they name, run again", ExitCode::kFailed},
    {slu::kGeneralSourceLost, "the source no longer has changes that are needed",
     "The slot was dropped or invalidated, or its log was removed.",
     "sluice start-over, then sluice run: the tables are copied again while readers see the old rows",
     ExitCode::kRefused},
    {slu::kGeneralCorrupt, "bytes contradict their own format",
     "Damage, or a version sluice does not know.",
     "keep the files, and report it with the output of sluice version --json", ExitCode::kFailed},
    {slu::kGeneralCancelled, "stopped on request", "A signal or a command asked for it.",
     "run again to go on where it stopped", ExitCode::kInterrupted},
    {slu::kNoServer, "no sluice process answers here",
     "The command asks the running process over .sluice/sluice.sock beside the configuration file.",
     "sluice run\nor name the configuration of the running one: sluice -c FILE status",
     ExitCode::kNotFound},
    {slu::kFileSystem, "a file or folder cannot be read or written",
     "The operating system refused: rights, a missing folder, or a full disk.",
     "change the rights or the place named above, or make room, then run again", ExitCode::kFailed},
    {slu::kUsage, "the command line cannot be understood",
     "A command, flag or argument is misspelt, missing or superfluous.",
     "see all commands: sluice --help", ExitCode::kUsage},
    {slu::kUnknownCode, "there is no such error code", "Codes are SLU- and four digits.",
     "list them: sluice explain --all", ExitCode::kNotFound},
    {slu::kNoSuchSink, "there is no sink of that name",
     "Sinks have the names that stand under sinks: in the configuration.",
     "list them: sluice bookmark list", ExitCode::kNotFound},
    {slu::kNotConfirmed, "nothing was done, because nobody said yes",
     "The command would remove something, and asks before it does.",
     "run it again and answer y\nor say so at once: --yes", ExitCode::kRefused},
    {slu::kServeAddress, "the address to serve at cannot be used",
     "Another program listens there, it is none of this machine's addresses, or a port below 1024 needs a privilege.",
     "see who listens: ss -ltnp\n"
     "or choose another: serve.catalog.listen: 127.0.0.1:8182",
     ExitCode::kConfig},
    {slu::kServeCertificate, "the certificate or its key cannot be used",
     "A file is missing, unreadable or no PEM, the key has a password, or is another certificate's.",
     "give the user that runs sluice the right to read both files\n"
     "compare the two: openssl x509 -noout -pubkey -in CERTIFICATE; openssl pkey -pubout -in KEY",
     ExitCode::kConfig},
};

}  // namespace

std::span<const ErrorEntry> Platform() { return kErrors; }

}  // namespace sluice::errors
