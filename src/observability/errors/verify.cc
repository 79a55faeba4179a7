// Errors 7xxx: comparing source and sinks.
// One entry per code of verify_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/verify_codes.h"

namespace sluice::errors {
namespace {

// Becomes: constexpr ErrorEntry kErrors[] = {{slu::kX, "title", "why", "fix", ExitCode::kFailed}, …};
constexpr std::span<const ErrorEntry> kErrors = {};

}  // namespace

std::span<const ErrorEntry> Verify() { return kErrors; }

}  // namespace sluice::errors
