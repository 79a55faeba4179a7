#include "sink/replica/left_out.h"

#include <utility>

#include "observability/log.h"
#include "postgres/quote.h"

namespace sluice {

std::optional<Hindrance> ForeignCode(const Expression& expression) {
  if (expression.needs.foreign.empty()) return std::nullopt;
  std::string names;
  for (const std::string& name : expression.needs.foreign) names += (names.empty() ? "" : ", ") + name;
  return Hindrance{"uses " + names + ", which only the source has", ""};
}

Hindrance MissingExtension(const NeededExtension& extension) {
  return {"needs extension " + extension.name,
          "CREATE EXTENSION " + QuoteIdentifier(extension.name) + " WITH SCHEMA " + QuoteIdentifier(extension.name_space) + ";"};
}

Hindrance RefusedBecause(const Error& error, std::string fix) {
  return {error.evidence.empty() ? error.message : error.evidence, std::move(fix)};
}

Hindrance AndThen(Hindrance hindrance, const std::string& statement) {
  hindrance.fix += (hindrance.fix.empty() ? "" : " ") + statement + ";";
  return hindrance;
}

void LogLeftOut(const TableName& table, const std::string& object, const Hindrance& hindrance) {
  log::Warn("replica", "replica.left_out", "the replica goes without something that the source has",
            {{"table", ToString(table)}, {"object", object}, {"why", hindrance.why}, {"fix", hindrance.fix}});
}

}  // namespace sluice
