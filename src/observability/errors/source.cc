// Errors 2xxx: the source: connection, slot, publication, tables.
// One entry per code of source_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/source_codes.h"

namespace sluice::errors {
namespace {

// Becomes: constexpr ErrorEntry kErrors[] = {{slu::kX, "title", "why", "fix", ExitCode::kFailed}, …};
constexpr std::span<const ErrorEntry> kErrors = {};

}  // namespace

std::span<const ErrorEntry> Source() { return kErrors; }

}  // namespace sluice::errors
