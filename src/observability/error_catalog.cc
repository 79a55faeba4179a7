#include "observability/error_catalog.h"

#include "base/check.h"

namespace sluice {
namespace {

constexpr ErrorEntry kErrors[] = {
    {slu::kGeneralUnavailable, "a dependency cannot be reached", "The other side is down, starting or too slow.", "check that it runs and can be reached from here; sluice retries by itself while it runs", ExitCode::kUnavailable},
    {slu::kGeneralConflict, "somebody else writes to the same place", "Another process took over, or holds what we need.", "stop the other process, then run again", ExitCode::kConflict},
    {slu::kGeneralUnknown, "the outcome of a commit is not known", "The reply was lost after the commit was sent.", "run again: sluice looks at the destination before it does anything", ExitCode::kUnavailable},
    {slu::kGeneralOperator, "something must be changed before sluice can go on", "The other side refused, and would refuse again.", "read the line above, change what it names, run again", ExitCode::kFailed},
    {slu::kGeneralSourceLost, "the source no longer has changes that are needed", "The slot was dropped or invalidated, or its log was removed.", "copy the tables again: sluice resync '*'", ExitCode::kRefused},
    {slu::kGeneralCorrupt, "bytes contradict their own format", "Damage, or a version sluice does not know.", "keep the files, and report it with the output of sluice version", ExitCode::kFailed},
    {slu::kGeneralCancelled, "stopped on request", "A signal or a command asked for it.", "run again to go on where it stopped", ExitCode::kInterrupted},
};

int GeneralCode(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUnavailable: return slu::kGeneralUnavailable;
    case ErrorKind::kConflict: return slu::kGeneralConflict;
    case ErrorKind::kOutcomeUnknown: return slu::kGeneralUnknown;
    case ErrorKind::kNeedsOperator: return slu::kGeneralOperator;
    case ErrorKind::kSourceLost: return slu::kGeneralSourceLost;
    case ErrorKind::kCorrupt: return slu::kGeneralCorrupt;
    case ErrorKind::kCancelled: return slu::kGeneralCancelled;
  }
  return slu::kGeneralOperator;
}

const ErrorEntry* Find(int code) {
  for (const ErrorEntry& entry : kErrors)
    if (entry.code == code) return &entry;
  return nullptr;
}

}  // namespace

std::span<const ErrorEntry> AllErrors() { return kErrors; }

const ErrorEntry& EntryOf(const Error& error) {
  if (const ErrorEntry* entry = Find(error.code)) return *entry;
  const ErrorEntry* general = Find(GeneralCode(error.kind));
  SLUICE_CHECK(general != nullptr);
  return *general;
}

}  // namespace sluice
