#include "sink/replica/namespaces.h"

#include <fmt/format.h>

#include "observability/errors/replica_codes.h"
#include "postgres/quote.h"

namespace sluice {

Status EnsureNamespace(PgConnection& connection, const std::string& name) {
  // CREATE SCHEMA IF NOT EXISTS needs CREATE on the database even where the schema exists.
  ASSIGN_OR_RETURN(const PgResult found,
                   connection.Execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", {name}));
  if (PQntuples(found.get()) == 1) return Ok();
  const auto made = connection.Execute("CREATE SCHEMA IF NOT EXISTS " + QuoteIdentifier(name));
  if (made.ok() || made.error().kind == ErrorKind::kUnavailable) return made.ok() ? Status() : made.error();
  return Error{ErrorKind::kNeedsOperator, fmt::format("cannot create schema {} on the replica", name),
               slu::kReplicaNamespaceDenied, made.error().evidence};
}

}  // namespace sluice
