#pragma once
// What the expressions of tables name beyond pg_catalog, from pg_depend.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"

namespace sluice {

/// What has an expression: its catalog and its OID there.
enum class Expressed : char { kDefault = 'd', kConstraint = 'c', kIndex = 'i' };

struct UsedSequence {
  Oid table = 0;
  Oid sequence = 0;
};

struct NeedsOfTables {
  /// Only of what needs anything.
  std::map<std::pair<Expressed, Oid>, ExpressionNeeds> by_object;
  std::vector<UsedSequence> sequences;

  ExpressionNeeds Of(Expressed kind, Oid object) const {
    const auto found = by_object.find({kind, object});
    return found == by_object.end() ? ExpressionNeeds{} : found->second;
  }
};

/// Of the defaults, generated columns, constraints (no foreign keys) and indexes of these tables.
Result<NeedsOfTables> ReadNeeds(PgConnection& connection, const std::string& oids);

}  // namespace sluice
