#pragma once
// The publication: explicit tables only, never FOR ALL TABLES, and none whose UPDATE or DELETE it would break.

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "postgres/connection.h"

namespace sluice {

struct PublicationFacts {
  bool all_tables = false;
  bool whole_namespaces = false;      ///< FOR TABLES IN SCHEMA.
  bool all_operations = true;         ///< insert, update, delete and truncate.
  bool via_partition_root = false;
  std::set<TableName> filtered;       ///< Tables with a row filter or a column list.
  std::set<TableName> tables;
};

Result<std::optional<PublicationFacts>> ReadPublication(PgConnection& connection, const std::string& publication);

/// A table or leaf that PostgreSQL would refuse to UPDATE or DELETE once published.
struct MissingIdentity {
  TableName table;  ///< As configured.
  TableName leaf;   ///< Where the identity is missing; the table itself where it is not partitioned.
};
Result<std::vector<MissingIdentity>> FindMissingIdentities(PgConnection& connection, const std::vector<TableDefinition>& tables);

/// What separates the publication from what it should be; empty: nothing but the list of tables may differ. Pure.
std::string WhyForeign(const PublicationFacts& facts, bool any_partitioned);

struct PublicationLockLimits {
  std::chrono::milliseconds lock_timeout{1000};  ///< The application's statements queue behind us for so long at most.
  int attempts = 10;                             ///< Per table, with a pause as long between them.
};

/// Makes the publication hold exactly these tables, one at a time. Error: kNeedsOperator (2117, 2119, 2102),
/// kUnavailable (2118).
Status MakePublication(PgConnection& connection, const std::string& publication, const std::vector<TableDefinition>& tables,
                       const PublicationLockLimits& limits = {});

}  // namespace sluice
