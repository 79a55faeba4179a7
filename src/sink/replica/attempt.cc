#include "sink/replica/attempt.h"

#include <utility>

namespace sluice {
namespace {

constexpr const char* kBegin = "SAVEPOINT sluice_attempt";
constexpr const char* kEnd = "RELEASE SAVEPOINT sluice_attempt";
constexpr const char* kUndo = "ROLLBACK TO SAVEPOINT sluice_attempt; RELEASE SAVEPOINT sluice_attempt";

Result<Refusal> Refused(PgConnection& connection, const Error& error) {
  if (error.kind == ErrorKind::kUnavailable) return error;
  RETURN_IF_ERROR(connection.Execute(kUndo));
  return Refusal(error);
}

}  // namespace

Result<Refusal> Attempt(PgConnection& connection, const std::string& sql) {
  // One message: with thousands of tables, round trips are what the making of tables costs.
  const auto done = connection.Execute(std::string(kBegin) + "; " + sql + "; " + kEnd);
  if (!done.ok()) return Refused(connection, done.error());
  return Refusal();
}

Result<Refusal> AttemptSteps(PgConnection& connection, const std::function<Status()>& steps) {
  RETURN_IF_ERROR(connection.Execute(kBegin));
  const Status done = steps();
  if (!done.ok()) return Refused(connection, done.error());
  RETURN_IF_ERROR(connection.Execute(kEnd));
  return Refusal();
}

}  // namespace sluice
