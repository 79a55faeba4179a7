#pragma once
// What the source's expressions need on the replica. Allowed there are built-in things, members of extensions, and the
// sequences and types that we make: nothing of the source's own code.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/replica/destination_types.h"
#include "sink/replica/left_out.h"

namespace sluice {

/// The names of those that are there.
Result<std::set<std::string>> InstalledExtensions(PgConnection& connection);

/// Makes what is missing, inside a transaction of the caller, and remembers what it could not make.
class NeededObjects {
 public:
  NeededObjects(PgConnection& connection, DestinationTypes& types) : connection_(connection), types_(types) {}

  /// nullopt: the expression can be used. Error: kUnavailable.
  Result<std::optional<Hindrance>> Provide(const Expression& expression, const TableDefinition& table);
  Result<std::optional<Hindrance>> Provide(const Type& type);
  Result<std::optional<Hindrance>> Provide(const SequenceDefinition& sequence);

 private:
  Result<std::optional<Hindrance>> Provide(const NeededExtension& extension);
  Result<std::optional<Hindrance>> Install(const NeededExtension& extension);

  PgConnection& connection_;
  DestinationTypes& types_;
  std::map<std::string, std::optional<Hindrance>> extensions_;
  std::map<TableName, std::optional<Hindrance>> sequences_;
};

}  // namespace sluice
