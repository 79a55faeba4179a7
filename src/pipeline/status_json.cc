#include "pipeline/status_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <map>

#include "observability/error_catalog.h"
#include "change/table_glob.h"

namespace sluice {
namespace {

using nlohmann::ordered_json;

ordered_json Optional(const std::optional<Timestamp>& time) {
  return time ? ordered_json(ToRfc3339(*time)) : ordered_json();
}

ordered_json OptionalLsn(Lsn lsn) { return lsn.valid() ? ordered_json(ToString(lsn)) : ordered_json(); }

ordered_json OptionalSeconds(const std::optional<std::chrono::seconds>& time) { return time ? ordered_json(time->count()) : ordered_json(); }

ordered_json ErrorBrief(const Error& error) {
  return {{"code", fmt::format("SLU-{}", EntryOf(error).code)}, {"detail", error.message}};
}

ordered_json SinkToJson(const SinkStatus& sink) {
  ordered_json json;
  json["name"] = sink.name;
  json["freshness_seconds"] = sink.freshness_seconds ? ordered_json(*sink.freshness_seconds) : ordered_json();
  json["watermark_at"] = Optional(sink.visible_until);
  json["state"] = sink.state;
  json["lsn"] = OptionalLsn(sink.lsn);
  json["rows_per_second"] = sink.rows_per_second;
  json["rows_total"] = sink.rows_total;
  json["commit_interval_seconds"] = static_cast<double>(sink.commit_interval.count()) / 1000;
  return json;
}

ordered_json SourceToJson(const PipelineStatus& status) {
  ordered_json json;
  json["name"] = status.source_name;
  json["slot"] = status.log.slot;
  json["database"] = status.log.database;
  json["budget_bytes"] = status.slot_budget_bytes;
  if (!status.slot) return json;
  json["behind_bytes"] = status.slot->behind_bytes;
  json["retained_bytes"] = status.slot->retained_bytes;
  json["wal_status"] = status.slot->wal_status;
  json["confirmed_flush_lsn"] = ToString(status.slot->confirmed_flush_lsn);
  json["over_budget_in_seconds"] = OptionalSeconds(status.slot_over_budget_in);
  json["lost_in_seconds"] = OptionalSeconds(status.slot_lost_in);
  return json;
}

ordered_json ComparedToJson(const ComparedStatus& compared) {
  ordered_json json = {{"sink", compared.sink}, {"at", ToRfc3339(compared.at)}, {"lsn", ToString(compared.lsn)}, {"result", ToString(compared.result)}};
  if (compared.rows_different > 0) json["rows_different"] = compared.rows_different;
  if (compared.append_only) json["append_only"] = true;
  if (!compared.reason.empty()) json["reason"] = compared.reason;
  return json;
}

/// How far comparing has come: a table counts once all its sinks have been compared.
ordered_json VerifyToJson(const PipelineStatus& status) {
  ordered_json json = {{"tables_compared", 0}, {"oldest_at", nullptr}, {"different", ordered_json::array()}};
  int tables = 0;
  std::optional<Timestamp> oldest;
  for (const TableStatus& table : status.tables) {
    tables += !table.compared.empty() && table.compared.size() >= table.copied_in.size();
    for (const ComparedStatus& compared : table.compared) {
      oldest = oldest ? std::min(*oldest, compared.at) : compared.at;
      if (compared.result != Comparison::kDifferent || compared.append_only) continue;
      ordered_json entry = ComparedToJson(compared);
      entry["table"] = table.table;
      json["different"].push_back(std::move(entry));
    }
  }
  json["tables_compared"] = tables;
  json["oldest_at"] = Optional(oldest);
  return json;
}

ordered_json HoldToJson(const TableHold& hold) {
  return {{"sink", hold.sink},
          {"code", fmt::format("SLU-{}", hold.why.code)},
          {"reason", hold.why.reason},
          {"since_lsn", OptionalLsn(hold.why.lsn)}};
}

}  // namespace

std::string ToRfc3339(Timestamp time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto whole = std::chrono::floor<std::chrono::seconds>(ms);
  const std::time_t unix_seconds = std::chrono::system_clock::to_time_t(whole);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(unix_seconds), (ms - whole).count());
}

ordered_json StatusToJson(const PipelineStatus& status) {
  ordered_json json;
  json["schema"] = "sluice.status/v1";
  json["at"] = ToRfc3339(status.at);
  json["project"] = status.project;
  json["state"] = ToString(status.state);
  json["started_at"] = ToRfc3339(status.started_at);
  json["sinks"] = ordered_json::array();
  for (const SinkStatus& sink : status.sinks) json["sinks"].push_back(SinkToJson(sink));
  json["source"] = SourceToJson(status);
  ordered_json tables = {{"waiting", 0}, {"copying", 0}, {"catching_up", 0}, {"streaming", 0}, {"held", 0}, {"held_tables", ordered_json::array()}};
  for (const TableStatus& table : status.tables) {
    ordered_json& count = tables[std::string(ToString(table.state))];
    count = count.get<int>() + 1;
    for (const TableHold& hold : table.held_in) {
      ordered_json entry = HoldToJson(hold);
      entry["table"] = table.table;
      tables["held_tables"].push_back(std::move(entry));
    }
  }
  json["tables"] = std::move(tables);
  json["verify"] = VerifyToJson(status);
  if (status.last_error) json["error"] = ErrorBrief(*status.last_error);
  if (status.retry)
    json["retry"] = {{"attempt", status.retry->attempt},
                     {"max", status.retry->attempts_max},
                     {"next_in_seconds", status.retry->next_in_seconds}};
  return json;
}

ordered_json TablesToJson(const PipelineStatus& status, const std::vector<std::string>& globs) {
  ordered_json json = {{"schema", "sluice.tables/v1"}, {"at", ToRfc3339(status.at)}, {"tables", ordered_json::array()}};
  for (const TableStatus& table : status.tables) {
    if (!MatchesAny(globs, table.table)) continue;
    ordered_json entry;
    entry["table"] = table.table;
    entry["state"] = ToString(table.state);
    entry["copied_in"] = table.copied_in;
    entry["held_in"] = ordered_json::array();
    for (const TableHold& hold : table.held_in) entry["held_in"].push_back(HoldToJson(hold));
    entry["compared"] = ordered_json::array();
    for (const ComparedStatus& compared : table.compared) entry["compared"].push_back(ComparedToJson(compared));
    entry["copy_lsn"] = OptionalLsn(table.copy_lsn);
    entry["rows_copied"] = table.rows_copied;
    entry["rows_estimated"] = table.rows_estimated < 0 ? ordered_json() : ordered_json(table.rows_estimated);
    entry["bytes_read"] = table.bytes_read;
    entry["bytes_total"] = table.bytes_total;
    if (table.ranges_kept > 0) entry["resumed"] = {{"ranges_kept", table.ranges_kept}, {"ranges_total", table.ranges_total}};
    json["tables"].push_back(std::move(entry));
  }
  return json;
}

ordered_json BookmarksToJson(const PipelineStatus& status) {
  ordered_json json = {
      {"schema", "sluice.bookmarks/v1"}, {"at", ToRfc3339(status.at)}, {"bookmarks", ordered_json::array()}};
  for (const SinkStatus& sink : status.sinks) {
    ordered_json entry;
    entry["sink"] = sink.name;
    entry["lsn"] = OptionalLsn(sink.lsn);
    entry["system_identifier"] = std::to_string(status.log.system_identifier);  // Beyond 2^53: not a JSON number.
    entry["timeline"] = status.log.timeline;
    entry["database"] = status.log.database;
    entry["slot"] = status.log.slot;
    entry["watermark_at"] = Optional(sink.visible_until);
    json["bookmarks"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace sluice
