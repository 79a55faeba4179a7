#pragma once
// Steps that the replica may refuse without harm to what else its transaction does.

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "postgres/connection.h"

namespace sluice {

/// What the server, or we, said no to; nullopt: it was done.
using Refusal = std::optional<Error>;

/// Runs one statement inside a transaction of the caller. A refusal undoes that statement alone.
/// Error: kUnavailable.
Result<Refusal> Attempt(PgConnection& connection, const std::string& sql);

/// The same for several steps, which are all undone.
Result<Refusal> AttemptSteps(PgConnection& connection, const std::function<Status()>& steps);

}  // namespace sluice
