#include "postgres/row_sql.h"

#include <fmt/format.h>

#include <set>

#include "change/row_text.h"
#include "change/server_hash.h"
#include "postgres/quote.h"

namespace sluice {
namespace {

// search_path is empty, so that functions and operators are pg_catalog's.
std::string ValueSql(const std::string& value, ValueForm form) {
  switch (form) {
    case ValueForm::kServerText: return value;
    case ValueForm::kObjectNumber: return value + "::pg_catalog.oid";
    case ValueForm::kMoney: return fmt::format("cash_send({})", value);
    case ValueForm::kFinite:
      return fmt::format("CASE WHEN {0} = ANY ('{{NaN,Infinity,-Infinity}}'::pg_catalog.numeric[]) THEN NULL ELSE {0} END", value);
    case ValueForm::kOrdinaryYear:
      return fmt::format("CASE WHEN {0} >= '0001-01-01' AND {0} < '10000-01-01' THEN {0} END", value);
    case ValueForm::kJson: return fmt::format("to_json({})", value);
  }
  return value;
}

std::string ColumnSql(const Column& column, const ColumnForm& form) {
  const std::string name = "t." + QuoteIdentifier(column.name);
  if (form.array) return name + "::pg_catalog.oid[]";
  if (!form.list) return ValueSql(name, form.value);
  // Elements one by one, since a policy may change each of them.
  return fmt::format("CASE WHEN cardinality({0}) = 0 THEN '' WHEN array_ndims({0}) = 1 AND array_lower({0}, 1) = 1 THEN"
                     " (SELECT string_agg(ROW({1})::pg_catalog.text, '') FROM (SELECT unnest({0}) AS v) e) END",
                     name, ValueSql("e.v", form.value));
}

std::string RowTextSql(const TableSchema& schema, const RowForm& form, const std::vector<size_t>& columns) {
  std::string row;
  for (const size_t i : columns) row += (row.empty() ? "" : ", ") + ColumnSql(schema.columns[i], form.columns[i]);
  return fmt::format("(ROW({})::pg_catalog.text COLLATE \"C\")", row);
}

std::string WholeRowSql(const TableSchema& schema, const RowForm& form) {
  std::vector<size_t> all;
  for (size_t i = 0; i < schema.columns.size(); ++i) all.push_back(i);
  return RowTextSql(schema, form, all);
}

std::string BucketHashSql(const TableSchema& schema, const RowForm& form) {
  const std::string identity = form.identity.empty() ? WholeRowSql(schema, form) : RowTextSql(schema, form, form.identity);
  return fmt::format("hashtextextended({}, {})", identity, kBucketSeed);
}

std::string WhereSql(const TableSchema& schema, const RowForm& form, const RowSource& rows, const Buckets& buckets) {
  std::string where = rows.where.empty() ? "true" : rows.where;
  if (buckets.within_bits == 0) return where;
  std::string values;
  for (const uint64_t bucket : buckets.within) values += fmt::format("{}{}", values.empty() ? "" : ",", bucket);
  return where + fmt::format(" AND ({} & {}::pg_catalog.int8) = ANY ('{{{}}}'::pg_catalog.int8[])", BucketHashSql(schema, form),
                             (uint64_t{1} << buckets.within_bits) - 1, values);
}

}  // namespace

std::string SumSql(const TableSchema& schema, const RowForm& form, const RowSource& rows, const Buckets& buckets) {
  // OFFSET 0 keeps the server from printing each row once per use of its text.
  return fmt::format("SELECT s.b, count(*), sum(hashtextextended(s.r, {})), sum(hashtextextended(s.r, {})) FROM"
                     " (SELECT {} & {}::pg_catalog.int8 AS b, {} AS r FROM {} t WHERE {} OFFSET 0) s GROUP BY s.b",
                     kLaneSeeds[0], kLaneSeeds[1], BucketHashSql(schema, form), (uint64_t{1} << buckets.bits) - 1,
                     WholeRowSql(schema, form), rows.from, WhereSql(schema, form, rows, buckets));
}

namespace {

std::string ColumnListSql(const TableSchema& schema, const RowForm& form) {
  std::string columns;
  for (size_t i = 0; i < schema.columns.size(); ++i)
    columns += (columns.empty() ? "" : ", ") + ColumnSql(schema.columns[i], form.columns[i]);
  return columns;
}

}  // namespace

std::string FetchSql(const TableSchema& schema, const RowForm& form, const RowSource& rows, const Buckets& buckets, size_t rows_max) {
  const std::string where = WhereSql(schema, form, rows, buckets);
  if (form.identity.empty())
    return fmt::format("SELECT s.r, count(*) FROM (SELECT {} AS r FROM {} t WHERE {} OFFSET 0) s GROUP BY s.r LIMIT {}",
                       WholeRowSql(schema, form), rows.from, where, rows_max + 1);
  return fmt::format("SELECT {} FROM {} t WHERE {} LIMIT {}", ColumnListSql(schema, form), rows.from, where, rows_max + 1);
}

std::string FetchKeySql(const TableSchema& schema, const RowForm& form) {
  return fmt::format("SELECT {} FROM {} t WHERE {}", ColumnListSql(schema, form), QuoteName(schema.name), KeyConditionSql(schema, schema.key));
}

std::string SameHashSql() {
  // Bytes that some locale calls a space, and all that is quoted.
  const std::string_view probes[] = {"\xC3\xA0", "\xC3\x85", "plain", " ", "\v", "\"\\(),", ""};
  RowText row;
  std::string values;
  for (const std::string_view probe : probes) {
    row.Add(probe);
    values += (values.empty() ? "" : ", ") + QuoteLiteral(probe) + "::pg_catalog.text";
  }
  const std::string_view text = row.Finish();
  std::string equal = "current_setting('server_encoding') = 'UTF8'";
  for (const uint64_t seed : {kLaneSeeds[0], kLaneSeeds[1], kBucketSeed})
    equal += fmt::format(" AND hashtextextended(ROW({})::pg_catalog.text COLLATE \"C\", {}) = {}", values, seed,
                         static_cast<int64_t>(ServerHash(text, seed)));
  return "SELECT " + equal;
}

std::string TypeSql(const Type& type) { return QuoteIdentifier(type.name_space) + "." + QuoteIdentifier(type.name); }

std::string KeyConditionSql(const TableSchema& schema, const std::vector<size_t>& columns) {
  std::string condition;
  for (size_t at = 0; at < columns.size(); ++at) {
    const Column& column = schema.columns[columns[at]];
    condition += fmt::format("{}t.{} = ${}::{}", at == 0 ? "" : " AND ", QuoteIdentifier(column.name), at + 1, TypeSql(*column.type));
  }
  return condition;
}

std::string OperatorPathSql(const TableSchema& schema, const std::vector<size_t>& columns) {
  std::set<std::string> namespaces;
  for (const size_t i : columns) namespaces.insert(BaseOf(*schema.columns[i].type).name_space);
  std::string path = "pg_catalog";
  for (const std::string& name : namespaces)
    if (name != "pg_catalog") path += ", " + QuoteIdentifier(name);
  return path;
}

}  // namespace sluice
