#include "sink/replica/row_statements.h"

#include <fmt/format.h>

namespace sluice {
namespace {

std::string Parameter(const DestinationColumn& column, size_t number) {
  return column.as_text ? fmt::format("${}::{}", number, column.type_sql) : fmt::format("${}", number);
}

// Where the row is. `first`: the number of its first parameter.
std::string Where(const DestinationTable& table, size_t first) {
  std::string where;
  if (table.schema->has_key()) {
    for (const size_t column : IdentifyingColumns(table)) {
      where += fmt::format("{}{} {} {}", where.empty() ? "" : " AND ", table.columns[column].quoted,
                           table.columns[column].equals, Parameter(table.columns[column], first));
      ++first;
    }
    return where;
  }
  // Images compare any type, also those without an equality (json, point), and tell 1.0 from 1.00.
  std::string parameters;
  for (const DestinationColumn& column : table.columns)
    parameters += (parameters.empty() ? "" : ", ") + Parameter(column, first++);
  const std::string match = fmt::format("ROW({})::record OPERATOR(pg_catalog.*=) ROW({})::record", ColumnList(table), parameters);
  // In a partitioned table two leaves can have a row at the same place.
  if (table.partitioned)
    return fmt::format("(tableoid, ctid) = (SELECT tableoid, ctid FROM {} WHERE {} LIMIT 1)", table.name, match);
  return fmt::format("ctid = (SELECT ctid FROM {} WHERE {} LIMIT 1)", table.name, match);
}

}  // namespace

std::vector<size_t> IdentifyingColumns(const DestinationTable& table) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < table.columns.size(); ++i)
    if (!table.schema->has_key() || table.columns[i].in_key) columns.push_back(i);
  return columns;
}

std::string InsertSql(const DestinationTable& table) {
  if (table.columns.empty()) return fmt::format("INSERT INTO {} DEFAULT VALUES", table.name);
  std::string parameters;
  for (size_t i = 0; i < table.columns.size(); ++i)
    parameters += (i > 0 ? ", " : "") + Parameter(table.columns[i], i + 1);
  return fmt::format("INSERT INTO {} OVERRIDING SYSTEM VALUE VALUES ({})", RowTarget(table), parameters);
}

std::string UpdateSql(const DestinationTable& table, const std::vector<size_t>& set) {
  std::string list;
  size_t number = 1;
  for (const size_t column : set) {
    list += fmt::format("{}{} = {}", list.empty() ? "" : ", ", table.columns[column].quoted,
                        Parameter(table.columns[column], number));
    ++number;
  }
  return fmt::format("UPDATE {} SET {} WHERE {}", table.name, list, Where(table, number));
}

std::string DeleteSql(const DestinationTable& table) {
  return fmt::format("DELETE FROM {} WHERE {}", table.name, Where(table, 1));
}

std::string Guarded(const std::string& sql) {
  return fmt::format("WITH touched AS ({} RETURNING 1) SELECT 1 / pg_catalog.count(*) FROM touched", sql);
}

}  // namespace sluice
