#include "pipeline/verify_json.h"

namespace sluice {
namespace {

using nlohmann::ordered_json;

std::string_view Word(RowDifference difference) {
  switch (difference) {
    case RowDifference::kMissing: return "missing";
    case RowDifference::kExtra: return "extra";
    case RowDifference::kDifferent: return "different";
  }
  return "";
}

ordered_json TextOrNull(const std::optional<std::string>& text) { return text ? ordered_json(*text) : ordered_json(); }

ordered_json ValuesOf(const TableComparison& table, const std::optional<FetchedRow>& row) {
  if (!row) return nullptr;
  if (table.form.identity.empty()) return TextOrNull(row->columns.front());
  ordered_json values = ordered_json::object();
  for (size_t i = 0; i < row->columns.size(); ++i) values[table.columns[i]] = TextOrNull(row->columns[i]);
  return values;
}

ordered_json RowToJson(const TableComparison& table, const DifferentRow& row, bool values_shown) {
  ordered_json json;
  json["difference"] = Word(row.difference);
  if (table.form.identity.empty()) {
    json["copies"] = row.copies;
  } else {
    json["key"] = ordered_json::object();
    for (const size_t i : table.form.identity) json["key"][table.columns[i]] = TextOrNull(row.either().columns[i]);
  }
  if (row.difference == RowDifference::kDifferent) {
    json["columns"] = ordered_json::array();
    for (const size_t i : row.columns) json["columns"].push_back(table.columns[i]);
  }
  if (values_shown) {
    json["source"] = ValuesOf(table, row.source);
    json["sink"] = ValuesOf(table, row.sink);
  }
  return json;
}

ordered_json TableToJson(const TableComparison& table, const VerifyRequest& request) {
  ordered_json json = {{"table", table.table},
                       {"sink", table.sink},
                       {"result", ToString(table.result)},
                       {"rows_source", table.rows_source},
                       {"rows_sink", table.rows_sink},
                       {"missing", table.count(RowDifference::kMissing)},
                       {"extra", table.count(RowDifference::kExtra)},
                       {"different", table.count(RowDifference::kDifferent)},
                       {"all_found", table.located},
                       {"rows_travelled", table.rows_travelled},
                       {"passes", table.passes},
                       {"buckets", table.buckets},
                       {"buckets_different", table.buckets_different}};
  if (!table.reason.empty()) json["reason"] = table.reason;
  if (table.append_only) json["append_only"] = true;
  if (request.rows_shown == 0) return json;
  json["rows"] = ordered_json::array();
  for (const DifferentRow& row : table.rows) {
    if (json["rows"].size() == request.rows_shown) break;
    json["rows"].push_back(RowToJson(table, row, request.values_shown));
  }
  return json;
}

template <class Value>
void Read(const ordered_json& json, const char* field, Value& value) {
  const auto found = json.find(field);
  if (found == json.end()) return;
  if constexpr (std::is_same_v<Value, bool>) {
    if (found->is_boolean()) value = found->get<bool>();
  } else if constexpr (std::is_same_v<Value, std::string>) {
    if (found->is_string()) value = found->get<std::string>();
  } else {
    if (found->is_number_unsigned()) value = found->get<Value>();
  }
}

}  // namespace

ordered_json OptionsToJson(const VerifyRequest& request) {
  return {{"sink", request.options.sink},
          {"all_rows", request.options.all_rows},
          {"source_bytes_per_second", request.options.source_bytes_per_second},
          {"rows_shown", request.rows_shown},
          {"values_shown", request.values_shown},
          {"dry_run", request.dry_run}};
}

VerifyRequest OptionsFromJson(const std::vector<std::string>& globs, const ordered_json& options) {
  VerifyRequest request;
  request.options.globs = globs;
  if (!options.is_object()) return request;
  Read(options, "sink", request.options.sink);
  Read(options, "all_rows", request.options.all_rows);
  Read(options, "source_bytes_per_second", request.options.source_bytes_per_second);
  Read(options, "rows_shown", request.rows_shown);
  Read(options, "values_shown", request.values_shown);
  Read(options, "dry_run", request.dry_run);
  return request;
}

ordered_json VerifyToJson(const VerifyReport& report, const VerifyRequest& request) {
  ordered_json json;
  json["schema"] = "sluice.verify/v1";
  json["lsn"] = ToString(report.lsn);
  json["equal"] = report.equal();
  json["tables"] = ordered_json::array();
  for (const TableComparison& table : report.tables) json["tables"].push_back(TableToJson(table, request));
  return json;
}

ordered_json RepairToJson(const RepairReport& report) {
  ordered_json json;
  json["schema"] = "sluice.verify.repair/v1";
  json["lsn"] = ToString(report.lsn);
  json["dry_run"] = report.dry_run;
  json["complete"] = report.complete();
  json["tables"] = ordered_json::array();
  for (const TableRepair& table : report.tables) {
    ordered_json entry = {{"table", table.table},         {"sink", table.sink},           {"missing", table.missing}, {"extra", table.extra},
                          {"different", table.different}, {"all_found", table.located}, {"done", table.done}};
    if (!table.refused.empty()) entry["refused"] = table.refused;
    json["tables"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace sluice
