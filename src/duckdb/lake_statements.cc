#include "duckdb/lake_statements.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sluice {
namespace {

using iceberg::TypeId;

std::string DuckDbType(const iceberg::Type& type) {
  switch (type.id) {
    case TypeId::kBoolean: return "BOOLEAN";
    case TypeId::kInt: return "INTEGER";
    case TypeId::kLong: return "BIGINT";
    case TypeId::kFloat: return "FLOAT";
    case TypeId::kDouble: return "DOUBLE";
    case TypeId::kDecimal: return fmt::format("DECIMAL({}, {})", type.precision, type.scale);
    case TypeId::kDate: return "DATE";
    case TypeId::kTime: return "TIME";
    case TypeId::kTimestamp: return "TIMESTAMP";
    case TypeId::kTimestamptz:
    case TypeId::kTimestamptzNs: return "TIMESTAMPTZ";
    case TypeId::kTimestampNs: return "TIMESTAMP_NS";
    case TypeId::kString: return "VARCHAR";
    case TypeId::kUuid: return "UUID";
    case TypeId::kFixed:
    case TypeId::kBinary: return "BLOB";
    case TypeId::kList: return DuckDbType(type.fields.front().type) + "[]";
    case TypeId::kMap: return fmt::format("MAP({}, {})", DuckDbType(type.fields[0].type), DuckDbType(type.fields[1].type));
    case TypeId::kStruct: {
      std::string members;
      for (const iceberg::Field& field : type.fields) members += fmt::format("{}{} {}", members.empty() ? "" : ", ", DuckDbName(field.name), DuckDbType(field.type));
      return fmt::format("STRUCT({})", members);
    }
  }
  return "VARCHAR";
}

std::string EmptyTable(const iceberg::Schema& schema) {
  std::string columns;
  for (const iceberg::Field& field : schema.fields) columns += fmt::format("{}NULL::{} AS {}", columns.empty() ? "" : ", ", DuckDbType(field.type), DuckDbName(field.name));
  return fmt::format("SELECT {} WHERE false", columns.empty() ? "1" : columns);
}

// As libpq's conninfo wants it: 'it\'s'.
std::string ConnectionValue(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

std::string DuckDbText(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

std::string DuckDbName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string ScanOf(const std::string& metadata_location, int64_t snapshot_id) {
  return fmt::format("SELECT * FROM iceberg_scan({}, snapshot_from_id => {}::UBIGINT)", DuckDbText(metadata_location), snapshot_id);
}

std::string ViewStatement(const TableAtCut& table, const std::string& metadata_location, const iceberg::Schema& schema) {
  if (table.state != CutState::kSnapshot && table.state != CutState::kEmpty) return "";
  const std::string rows = table.state == CutState::kEmpty ? EmptyTable(schema) : ScanOf(metadata_location, *table.snapshot_id);
  return fmt::format("CREATE VIEW lake.{}.{} AS {}", DuckDbName(table.name.name_space), DuckDbName(table.name.name), rows);
}

std::string StoreSecretStatement(const std::string& warehouse, const StorageConfig& config, const S3Keys& keys) {
  std::string options = fmt::format("TYPE s3, SCOPE {}, REGION {}", DuckDbText(warehouse), DuckDbText(keys.region));
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) options += fmt::format(", {} {}", name, DuckDbText(value));
  };
  add("KEY_ID", keys.access_key);
  add("SECRET", keys.secret_key);
  add("SESSION_TOKEN", keys.session_token);
  if (!config.endpoint.empty()) {
    const size_t scheme = config.endpoint.find("://");
    std::string host = scheme == std::string::npos ? config.endpoint : config.endpoint.substr(scheme + 3);
    while (host.ends_with('/')) host.pop_back();
    add("ENDPOINT", host);
    options += fmt::format(", URL_STYLE 'path', USE_SSL {}", config.endpoint.starts_with("https://"));
  }
  return fmt::format("CREATE TEMPORARY SECRET sluice_lake ({})", options);
}

std::vector<std::string> ReplicaStatements(const std::vector<ConnectionOption>& options) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kOfSecret = {
      {{"host", "HOST"}, {"port", "PORT"}, {"dbname", "DATABASE"}, {"user", "USER"}, {"password", "PASSWORD"}}};
  std::string secret, others;
  for (const ConnectionOption& option : options) {
    const auto known = std::find_if(kOfSecret.begin(), kOfSecret.end(), [&](const auto& one) { return one.first == option.name; });
    if (known != kOfSecret.end()) secret += fmt::format(", {} {}", known->second, DuckDbText(option.value));
    else others += fmt::format("{}{}={}", others.empty() ? "" : " ", option.name, ConnectionValue(option.value));
  }
  return {fmt::format("CREATE TEMPORARY SECRET sluice_replica (TYPE postgres{})", secret),
          fmt::format("ATTACH {} AS replica (TYPE postgres, READ_ONLY, SECRET sluice_replica)", DuckDbText(others))};
}

std::vector<std::string> LockStatements(const std::string& warehouse) {
  return {fmt::format("SET allowed_directories = [{}]", DuckDbText(warehouse + "/")), "SET enable_external_access = false", "SET lock_configuration = true"};
}

}  // namespace sluice
