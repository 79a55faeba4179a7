#pragma once
// What of the source's tables the replica goes without, and why: said, never silent.

#include <optional>
#include <string>

#include "base/result.h"
#include "change/table_definition.h"

namespace sluice {

struct Hindrance {
  std::string why;  ///< "needs extension bloom", "uses function app.fee(integer), which only the source has".
  std::string fix;  ///< SQL for the replica; empty where only people can tell.
};

/// Code of the source's own never runs on the replica; nullopt if the expression has none.
std::optional<Hindrance> ForeignCode(const Expression& expression);

Hindrance MissingExtension(const NeededExtension& extension);

/// The server's own words.
Hindrance RefusedBecause(const Error& error, std::string fix = {});

/// With the statement that makes the object itself, once nothing hinders.
Hindrance AndThen(Hindrance hindrance, const std::string& statement);

/// `object`: "default of fee", "index by_guest".
void LogLeftOut(const TableName& table, const std::string& object, const Hindrance& hindrance);

}  // namespace sluice
