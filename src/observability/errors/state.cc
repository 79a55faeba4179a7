// Errors 8xxx: the pipeline's own state, bookmarks, other processes.
// One entry per code of state_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/state_codes.h"

namespace sluice::errors {
namespace {

// Becomes: constexpr ErrorEntry kErrors[] = {{slu::kX, "title", "why", "fix", ExitCode::kFailed}, …};
constexpr std::span<const ErrorEntry> kErrors = {};

}  // namespace

std::span<const ErrorEntry> State() { return kErrors; }

}  // namespace sluice::errors
