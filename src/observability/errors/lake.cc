// Errors 4xxx: the lake: storage, catalog, files, commits.
// One entry per code of lake_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/lake_codes.h"

namespace sluice::errors {
namespace {

// Becomes: constexpr ErrorEntry kErrors[] = {{slu::kX, "title", "why", "fix", ExitCode::kFailed}, …};
constexpr std::span<const ErrorEntry> kErrors = {};

}  // namespace

std::span<const ErrorEntry> Lake() { return kErrors; }

}  // namespace sluice::errors
