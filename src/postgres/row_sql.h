#pragma once
// The statements that sum up and pick rows on a server: what change/stored_rows.h says, in SQL. Pure.

#include <string>
#include <vector>

#include "change/stored_rows.h"
#include "change/table_schema.h"

namespace sluice {

/// The rows that a statement looks at.
struct RowSource {
  std::string from;   ///< `"public"."shot"`, with ONLY where leaves are read one by one; its alias is t.
  std::string where;  ///< Empty: all.
};

/// bucket, rows, sum of the first lane, sum of the second.
std::string SumSql(const TableSchema& schema, const RowForm& form, const RowSource& rows, const Buckets& buckets);

/// Of a table with identity the columns in their form, else text and number of each distinct row.
std::string FetchSql(const TableSchema& schema, const RowForm& form, const RowSource& rows, const Buckets& buckets,
                     size_t rows_max);

/// The columns in their form of the row with one key; parameters are the key's texts.
std::string FetchKeySql(const TableSchema& schema, const RowForm& form);

/// One value: whether this server prints and hashes as change/ does ("t"), which a server of another byte order or
/// encoding would not.
std::string SameHashSql();

/// A type's name in a cast, without modifiers.
std::string TypeSql(const Type& type);

/// `t."id" = $1::"pg_catalog"."int4" AND …` for these columns.
std::string KeyConditionSql(const TableSchema& schema, const std::vector<size_t>& columns);

/// The namespaces that hold the operators of these columns' types, for search_path.
std::string OperatorPathSql(const TableSchema& schema, const std::vector<size_t>& columns);

}  // namespace sluice
