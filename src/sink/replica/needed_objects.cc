#include "sink/replica/needed_objects.h"

#include <algorithm>

#include "postgres/quote.h"
#include "sink/replica/attempt.h"
#include "sink/replica/namespaces.h"
#include "sink/replica/sequences.h"

namespace sluice {

Result<std::set<std::string>> InstalledExtensions(PgConnection& connection) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute("SELECT extname FROM pg_catalog.pg_extension"));
  std::set<std::string> names;
  for (int row = 0; row < PQntuples(rows.get()); ++row) names.emplace(Field(rows, row, 0));
  return names;
}

Result<std::optional<Hindrance>> NeededObjects::Provide(const Expression& expression, const TableDefinition& table) {
  if (auto foreign = ForeignCode(expression)) return foreign;
  for (const NeededExtension& extension : expression.needs.extensions) {
    ASSIGN_OR_RETURN(auto hindrance, Provide(extension));
    if (hindrance) return hindrance;
  }
  for (const TypePtr& type : expression.needs.types) {
    ASSIGN_OR_RETURN(auto hindrance, Provide(*type));
    if (hindrance) return hindrance;
  }
  for (const TableName& name : expression.needs.sequences) {
    const auto sequence = std::find_if(table.sequences.begin(), table.sequences.end(), [&](const SequenceDefinition& s) { return s.name == name; });
    if (sequence == table.sequences.end()) return std::optional(Hindrance{"needs sequence " + ToString(name), ""});
    ASSIGN_OR_RETURN(auto hindrance, Provide(*sequence));
    if (hindrance) return hindrance;
  }
  return std::optional<Hindrance>();
}

Result<std::optional<Hindrance>> NeededObjects::Provide(const Type& type) {
  ASSIGN_OR_RETURN(const Refusal refusal, AttemptSteps(connection_, [&] { return types_.Ensure(type); }));
  if (!refusal) return std::optional<Hindrance>();
  types_.Forget();  // What it had found may have been undone.
  return std::optional(RefusedBecause(*refusal, refusal->fix.empty() ? "" : refusal->fix.front()));
}

Result<std::optional<Hindrance>> NeededObjects::Provide(const SequenceDefinition& sequence) {
  if (const auto known = sequences_.find(sequence.name); known != sequences_.end()) return known->second;
  std::optional<Hindrance> hindrance;
  ASSIGN_OR_RETURN(const Refusal refusal, AttemptSteps(connection_, [&]() -> Status {
                     RETURN_IF_ERROR(EnsureNamespace(connection_, sequence.name.name_space));
                     ASSIGN_OR_RETURN(const Refusal refused, EnsureSequence(connection_, sequence));
                     return refused ? Status(*refused) : Ok();
                   }));
  if (refusal) hindrance = RefusedBecause(*refusal);
  return sequences_[sequence.name] = hindrance;
}

Result<std::optional<Hindrance>> NeededObjects::Provide(const NeededExtension& extension) {
  if (const auto known = extensions_.find(extension.name); known != extensions_.end()) return known->second;
  ASSIGN_OR_RETURN(auto hindrance, Install(extension));
  return extensions_[extension.name] = std::move(hindrance);
}

Result<std::optional<Hindrance>> NeededObjects::Install(const NeededExtension& extension) {
  ASSIGN_OR_RETURN(const PgResult found, connection_.Execute("SELECT 1 FROM pg_catalog.pg_extension WHERE extname = $1", {extension.name}));
  if (PQntuples(found.get()) == 1) return std::optional<Hindrance>();
  ASSIGN_OR_RETURN(const Refusal refusal, AttemptSteps(connection_, [&]() -> Status {
                     RETURN_IF_ERROR(EnsureNamespace(connection_, extension.name_space));
                     RETURN_IF_ERROR(connection_.Execute("CREATE EXTENSION " + QuoteIdentifier(extension.name) + " WITH SCHEMA " +
                                                         QuoteIdentifier(extension.name_space)));
                     return Ok();
                   }));
  if (!refusal) return std::optional<Hindrance>();
  Hindrance hindrance = MissingExtension(extension);
  hindrance.why += ": " + RefusedBecause(*refusal).why;
  return std::optional(std::move(hindrance));
}

}  // namespace sluice
