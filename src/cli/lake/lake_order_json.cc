#include "cli/lake/lake_order_json.h"

#include <algorithm>
#include <array>

#include "observability/error_catalog.h"
#include "pipeline/status_json.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;
using Kind = LakeOrder::Kind;

constexpr std::array<std::pair<Kind, const char*>, 6> kKinds{{{Kind::kTag, "tag"}, {Kind::kDeleteTag, "delete_tag"}, {Kind::kExpire, "expire"},
                                                              {Kind::kCompact, "compact"}, {Kind::kRemoveOrphans, "orphans"}, {Kind::kRollBack, "rollback"}}};

Error Malformed(const char* what) { return Error{ErrorKind::kCorrupt, std::string("control socket: an order to the lake has no valid ") + what, slu::kControlProtocol}; }

std::string TextAt(const ordered_json& json, const char* field) {
  const auto found = json.find(field);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t NumberAt(const ordered_json& json, const char* field) {
  const auto found = json.find(field);
  return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

}  // namespace

ordered_json OrderToJson(const LakeOrder& order) {
  ordered_json json = {{"kind", std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& kind) { return kind.first == order.kind; })->second}};
  json["tables"] = ordered_json::array();
  for (const TableName& table : order.tables) json["tables"].push_back({table.name_space, table.name});
  json["tag"] = order.tag;
  if (order.at.lsn) json["lsn"] = ToString(*order.at.lsn);
  if (order.at.time) json["time_us"] = order.at.time->time_since_epoch().count();
  json["snapshots_kept"] = order.snapshots_kept;
  json["orphans_after_s"] = order.orphans_after.count();
  json["snapshot_id"] = order.snapshot_id;
  json["reason"] = order.reason;
  return json;
}

Result<LakeOrder> OrderFromJson(const ordered_json& json) {
  if (!json.is_object()) return Malformed("form");
  LakeOrder order;
  const std::string kind = TextAt(json, "kind");
  const auto known = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& one) { return kind == one.second; });
  if (known == kKinds.end()) return Malformed("kind");
  order.kind = known->first;
  if (const auto tables = json.find("tables"); tables != json.end()) {
    for (const ordered_json& table : *tables) {
      if (!table.is_array() || table.size() != 2 || !table[0].is_string() || !table[1].is_string()) return Malformed("table");
      order.tables.push_back({table[0].get<std::string>(), table[1].get<std::string>()});
    }
  }
  if (order.kind == Kind::kRollBack && order.tables.size() != 1) return Malformed("table");
  order.tag = TextAt(json, "tag");
  if (const std::string lsn = TextAt(json, "lsn"); !lsn.empty()) {
    ASSIGN_OR_RETURN(order.at.lsn, ParseLsn(lsn));
  }
  if (const int64_t time = NumberAt(json, "time_us"); time != 0) order.at.time = Timestamp(std::chrono::microseconds(time));
  order.snapshots_kept = static_cast<int>(std::clamp<int64_t>(NumberAt(json, "snapshots_kept"), 1, 100'000));
  order.orphans_after = std::chrono::seconds(std::clamp<int64_t>(NumberAt(json, "orphans_after_s"), 3600, int64_t{366} * 86'400));
  order.snapshot_id = NumberAt(json, "snapshot_id");
  order.reason = TextAt(json, "reason");
  std::replace_if(order.reason.begin(), order.reason.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return order;
}

ordered_json ReportToJson(const LakeReport& report) {
  ordered_json json = ordered_json::object();
  if (report.lsn) json["lsn"] = ToString(*report.lsn);
  if (report.source_time) json["source_time"] = ToRfc3339(*report.source_time);
  json["tables"] = ordered_json::array();
  for (const LakeTableDone& done : report.tables) {
    ordered_json one = {{"table", ToString(done.table)}, {"done", done.done}};
    if (!done.note.empty()) one["note"] = done.note;
    if (done.snapshot_id) one["snapshot_id"] = *done.snapshot_id;
    for (const auto& [name, value] : done.figures) one[name] = value;
    json["tables"].push_back(std::move(one));
  }
  if (!report.note.empty()) json["note"] = report.note;
  json["not_done"] = std::count_if(report.tables.begin(), report.tables.end(), [](const LakeTableDone& done) { return !done.done; });
  return json;
}

ordered_json ProgressToJson(const LakeProgress& progress) {
  return {{"table", progress.table}, {"tables_done", progress.tables_done}, {"tables_total", progress.tables_total}};
}

}  // namespace sluice::cli
