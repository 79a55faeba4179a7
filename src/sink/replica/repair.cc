#include "sink/replica/repair.h"

#include <fmt/format.h>

#include <numeric>

#include "change/tuple.h"
#include "postgres/quote.h"
#include "postgres/row_sql.h"

namespace sluice {
namespace {

/// One prepared statement whose parameters are columns of a tuple.
class RowStatement {
 public:
  RowStatement(PgConnection& connection, std::vector<size_t> columns) : connection_(connection), columns_(std::move(columns)) {}

  Status Prepare(const char* name, const std::string& sql) {
    name_ = name;
    const PgResult prepared = connection_.Prepare(name, sql);
    if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) return ErrorFromResult(prepared.get(), "repair refused");
    return Ok();
  }

  Status Run(const std::byte* tuple) {
    std::vector<std::optional<std::string>> texts;
    TupleReader reader(tuple);
    for (size_t i = 0; i < reader.columns(); ++i) {
      const Value value = reader.Next();
      if (value.kind == ValueKind::kBinary || value.kind == ValueKind::kUnchanged)
        return Error{ErrorKind::kCorrupt, "a row to repair is not in text form"};
      texts.push_back(value.kind == ValueKind::kNull ? std::nullopt : std::optional<std::string>(AsText(value.bytes)));
    }
    std::vector<const char*> parameters;
    for (const size_t i : columns_) parameters.push_back(texts[i] ? texts[i]->c_str() : nullptr);
    const PgResult done = connection_.RunPrepared(name_, parameters);
    if (PQresultStatus(done.get()) != PGRES_COMMAND_OK) return ErrorFromResult(done.get(), "repair refused");
    return Ok();
  }

  Status Forget() {
    const auto forgotten = connection_.Execute(fmt::format("DEALLOCATE {}", name_));
    return forgotten.ok() ? Ok() : Status(forgotten.error());
  }

 private:
  PgConnection& connection_;
  const std::vector<size_t> columns_;
  const char* name_ = "";
};

std::string InsertSql(const TableSchema& schema) {
  std::string columns, values;
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    columns += (i > 0 ? ", " : "") + QuoteIdentifier(schema.columns[i].name);
    values += fmt::format("{}${}::{}", i > 0 ? ", " : "", i + 1, TypeSql(*schema.columns[i].type));
  }
  return fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})", QuoteName(schema.name), columns, values);
}

Status RunAll(PgConnection& connection, const RowRepair& repair) {
  const TableSchema& schema = *repair.schema;
  std::vector<size_t> all(schema.columns.size());
  std::iota(all.begin(), all.end(), size_t{0});
  RowStatement remove(connection, schema.key), insert(connection, all);
  RETURN_IF_ERROR(remove.Prepare("sluice_repair_delete", fmt::format("DELETE FROM {} t WHERE {}", QuoteName(schema.name), KeyConditionSql(schema, schema.key))));
  RETURN_IF_ERROR(insert.Prepare("sluice_repair_insert", InsertSql(schema)));
  // All old rows first, so that no new one meets another's unique value.
  for (const RowRepair::Row& row : repair.rows) RETURN_IF_ERROR(remove.Run(repair.key(row)));
  for (const RowRepair::Row& row : repair.rows)
    if (const std::byte* tuple = repair.tuple(row)) RETURN_IF_ERROR(insert.Run(tuple));
  RETURN_IF_ERROR(remove.Forget());
  return insert.Forget();
}

}  // namespace

Status RepairRows(PgConnection& connection, const RowRepair& repair) {
  RETURN_IF_ERROR(connection.Execute("SET LOCAL search_path = " + OperatorPathSql(*repair.schema, repair.schema->key)));
  RETURN_IF_ERROR(RunAll(connection, repair));
  RETURN_IF_ERROR(connection.Execute("SET LOCAL search_path = ''"));
  return Ok();
}

}  // namespace sluice
