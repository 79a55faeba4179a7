#pragma once
// The publications: explicit tables only, never FOR ALL TABLES, and none whose UPDATE or DELETE it would break.
//
// PostgreSQL refuses UPDATE and DELETE of a table without row identity as soon as some publication publishes them.
// Such tables go into a second publication of inserts and truncates alone: the application notices nothing.

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
  bool inserts = true;                ///< Publishes insert and truncate.
  bool updates = true;                ///< Publishes update and delete.
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

/// Error 2117, which names the tables and what helps.
Error NoIdentity(const std::vector<MissingIdentity>& missing);

enum class PublishedOperations { kAll, kInserts };

/// The tables by what may be published of them.
struct SplitTables {
  std::vector<TableDefinition> whole;
  std::vector<TableDefinition> append_only;
};
SplitTables SplitByIdentity(const std::vector<TableDefinition>& tables, const std::vector<MissingIdentity>& missing);

/// The name of the second publication, beside the configured one.
std::string InsertsPublication(const std::string& publication);

/// What separates the publication from what it should be; empty: nothing but the list of tables may differ. Pure.
std::string WhyForeign(const PublicationFacts& facts, PublishedOperations operations, bool any_partitioned);

struct PublicationLockLimits {
  std::chrono::milliseconds lock_timeout{1000};  ///< The application's statements queue behind us for so long at most.
  int attempts = 10;                             ///< Per table, with a pause as long between them.
};

/// Makes the publication hold exactly these tables, one at a time; a missing one stays so where there are none.
/// `tables`: the caller has made sure that publishing `operations` of them breaks nothing.
/// Error: kNeedsOperator (2119, 2102), kUnavailable (2118).
Status MakePublication(PgConnection& connection, const std::string& publication, PublishedOperations operations,
                       const std::vector<TableDefinition>& tables, const PublicationLockLimits& limits = {});

}  // namespace sluice
