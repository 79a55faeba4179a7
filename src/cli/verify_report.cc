#include "cli/verify_report.h"

#include <fmt/format.h>

#include <set>

#include "cli/output.h"
#include "config/printable.h"
#include "config/units.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

uint64_t Count(const ordered_json& entry, const char* field) { return entry.value(field, uint64_t{0}); }

// "2 missing, 1 different", and whether there are more.
std::string Found(const ordered_json& entry) {
  std::string found;
  for (const char* const kind : {"missing", "extra", "different"})
    if (const uint64_t count = Count(entry, kind); count > 0) found += fmt::format("{}{} {}", found.empty() ? "" : ", ", FormatCount(count), kind);
  if (entry.value("result", "different") == "different" && !entry.value("all_found", true)) found += found.empty() ? "rows not looked for" : ", and more";
  return found;
}

std::string Words(std::string result) {
  for (char& c : result)
    if (c == '_') c = ' ';
  return result;
}

std::string Joined(const ordered_json& list) {
  std::string joined;
  for (const auto& item : list) joined += (joined.empty() ? "" : ", ") + item.get<std::string>();
  return joined;
}

// id=7, name="it's"
std::string Pairs(const ordered_json& values) {
  if (values.is_null()) return "";
  if (values.is_string()) return values.get<std::string>();
  std::string pairs;
  for (const auto& [name, value] : values.items())
    pairs += fmt::format("{}{}={}", pairs.empty() ? "" : ", ", name, value.is_null() ? "NULL" : value.get<std::string>());
  return pairs;
}

// With values, of different rows only what differs.
std::string Side(const ordered_json& row, const char* side) {
  const auto found = row.find(side);
  if (found == row.end()) return "";
  if (!found->is_object() || !row.contains("columns")) return Pairs(*found);
  ordered_json chosen = ordered_json::object();
  for (const auto& column : row.at("columns")) chosen[column.get<std::string>()] = found->at(column.get<std::string>());
  return Pairs(chosen);
}

}  // namespace

std::string RenderVerify(const ordered_json& report, bool aligned) {
  Table table({{"TABLE"}, {"SINK"}, {"RESULT"}, {"ROWS SOURCE", Align::kRight}, {"ROWS SINK", Align::kRight}, {"TRAVELLED", Align::kRight}, {"FOUND"}});
  std::set<std::string> tables;
  size_t different = 0, missing = 0, rewritten = 0, unknown = 0;
  std::string reasons;
  const auto say = [&](const ordered_json& entry, std::string_view what) {
    reasons += fmt::format("{} in {} {}\n", Printable(entry.value("table", "")), Printable(entry.value("sink", "")), what);
  };
  for (const auto& entry : report.at("tables")) {
    const std::string result = entry.value("result", "");
    tables.insert(entry.value("table", ""));
    different += result == "different" ? 1 : 0;
    missing += result == "not_copied" ? 1 : 0;
    rewritten += result == "rewritten" ? 1 : 0;
    unknown += result == "not_compared" ? 1 : 0;
    table.AddRow({entry.value("table", ""), entry.value("sink", ""), Words(result), FormatCount(Count(entry, "rows_source")),
                  FormatCount(Count(entry, "rows_sink")), FormatCount(Count(entry, "rows_travelled")), Found(entry)});
    if (const std::string reason = entry.value("reason", ""); !reason.empty() && reason != "asked for")
      say(entry, (result == "not_compared" ? "was not compared: " : result == "not_copied" ? "is held: " : "was compared by all its rows: ") + Printable(reason));
    if (result == "different" && entry.value("append_only", false)) say(entry, "is followed by its inserts alone, since it has no row identity");
  }
  std::string out = table.Render(aligned) + reasons;
  const std::string lsn = Printable(report.value("lsn", ""));
  if (different + missing + rewritten + unknown == 0) return out + fmt::format("equal: {} {} at {}\n", FormatCount(tables.size()), tables.size() == 1 ? "table" : "tables", lsn);
  out += fmt::format("{} at {}: {} different", different > 0 ? "NOT EQUAL" : "NOT PROVED EQUAL", lsn, different);
  if (missing > 0) out += fmt::format(", {} not copied yet", missing);
  if (rewritten > 0) out += fmt::format(", {} truncated or rewritten whenever they were to be read", rewritten);
  if (unknown > 0) out += fmt::format(", {} not compared", unknown);
  return out + "   run: sluice explain SLU-7002\n";
}

std::string RenderDiff(const ordered_json& report, bool aligned) {
  Table table({{"TABLE"}, {"SINK"}, {"DIFFERENCE"}, {"KEY"}, {"COLUMNS"}, {"SOURCE"}, {"IN THE SINK"}});
  std::string more;
  size_t rows = 0;
  for (const auto& entry : report.at("tables")) {
    uint64_t shown = 0;
    for (const auto& row : entry.value("rows", ordered_json::array())) {
      const bool keyed = row.contains("key");
      shown += keyed ? 1 : Count(row, "copies");
      ++rows;
      table.AddRow({entry.value("table", ""), entry.value("sink", ""), row.value("difference", ""),
                    keyed ? Pairs(row.at("key")) : fmt::format("no key, {} {}", Count(row, "copies"), Count(row, "copies") == 1 ? "copy" : "copies"),
                    row.contains("columns") ? Joined(row.at("columns")) : "", Side(row, "source"), Side(row, "sink")});
    }
    if (entry.value("result", "") == "different" && (shown < Count(entry, "missing") + Count(entry, "extra") + Count(entry, "different") || !entry.value("all_found", true)))
      more += fmt::format("{} in {}: {}\n", Printable(entry.value("table", "")), Printable(entry.value("sink", "")), Found(entry));
  }
  if (rows == 0 && more.empty()) return fmt::format("no difference at {}\n", Printable(report.value("lsn", "")));
  return (rows > 0 ? table.Render(aligned) : "") + more;
}

std::string RenderRepair(const ordered_json& report, bool aligned) {
  const std::string lsn = Printable(report.value("lsn", ""));
  if (report.at("tables").empty()) return fmt::format("nothing to repair: equal at {}\n", lsn);
  const bool dry_run = report.value("dry_run", false);
  Table table({{"TABLE"}, {"SINK"}, {"INSERT", Align::kRight}, {"REPLACE", Align::kRight}, {"DELETE", Align::kRight}, {"RESULT"}});
  for (const auto& entry : report.at("tables")) {
    std::string result = entry.contains("refused") ? "refused: " + entry.value("refused", "") : dry_run ? "would be put right" : entry.value("done", false) ? "put right" : "not put right";
    if (!entry.contains("refused") && !entry.value("all_found", true)) result += "; more differ, run it again";
    table.AddRow({entry.value("table", ""), entry.value("sink", ""), FormatCount(Count(entry, "missing")), FormatCount(Count(entry, "different")),
                  FormatCount(Count(entry, "extra")), result});
  }
  return table.Render(aligned) + (dry_run ? "nothing was changed\n" : "");
}

std::string VerifyLine(const ordered_json& progress, size_t width) {
  std::string line = fmt::format("comparing, {} of {} tables done: {}", progress.value("tables_done", 0), progress.value("tables_total", 0), Printable(progress.value("table", "")));
  if (line.size() <= width) return line;
  line.resize(width);
  while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80) != 0) line.pop_back();
  return line;
}

}  // namespace sluice::cli
