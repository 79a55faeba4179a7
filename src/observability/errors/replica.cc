// Errors 3xxx: the replica: connection, tables, apply.
// One entry per code of replica_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/replica_codes.h"

namespace sluice::errors {
namespace {

// Becomes: constexpr ErrorEntry kErrors[] = {{slu::kX, "title", "why", "fix", ExitCode::kFailed}, …};
constexpr std::span<const ErrorEntry> kErrors = {};

}  // namespace

std::span<const ErrorEntry> Replica() { return kErrors; }

}  // namespace sluice::errors
