#include "observability/error_catalog.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "observability/errors/areas.h"

namespace sluice {
namespace {

std::vector<ErrorEntry> Join() {
  std::vector<ErrorEntry> all;
  for (const auto area : {errors::Config(), errors::Mapping(), errors::Source(), errors::Replica(), errors::Lake(),
                          errors::Verify(), errors::State(), errors::Platform()})
    all.insert(all.end(), area.begin(), area.end());
  std::sort(all.begin(), all.end(),
            [](const ErrorEntry& a, const ErrorEntry& b) { return a.code < b.code; });
  return all;
}

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

}  // namespace

std::span<const ErrorEntry> AllErrors() {
  static const auto* all = new std::vector<ErrorEntry>(Join());
  return *all;
}

const ErrorEntry* FindError(int code) {
  const std::span<const ErrorEntry> all = AllErrors();
  const auto found = std::lower_bound(all.begin(), all.end(), code,
                                      [](const ErrorEntry& entry, int wanted) { return entry.code < wanted; });
  return found != all.end() && found->code == code ? &*found : nullptr;
}

const ErrorEntry& EntryOf(const Error& error) {
  if (const ErrorEntry* entry = FindError(error.code)) return *entry;
  const ErrorEntry* general = FindError(GeneralCode(error.kind));
  SLUICE_CHECK(general != nullptr);
  return *general;
}

}  // namespace sluice
