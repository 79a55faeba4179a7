#include "cli/verify_report.h"

#include <fmt/format.h>

#include <set>

#include "cli/output.h"
#include "config/printable.h"
#include "config/units.h"

namespace sluice::cli {

std::string RenderVerify(const nlohmann::ordered_json& report, bool aligned) {
  Table table({{"TABLE"}, {"SINK"}, {"RESULT"}, {"ROWS SOURCE", Align::kRight}, {"ROWS SINK", Align::kRight}});
  std::set<std::string> tables;
  size_t different = 0, missing = 0, rewritten = 0;
  for (const auto& entry : report.at("tables")) {
    const std::string result = entry.value("result", "");
    tables.insert(entry.value("table", ""));
    different += result == "different" ? 1 : 0;
    missing += result == "not_copied" ? 1 : 0;
    rewritten += result == "rewritten" ? 1 : 0;
    table.AddRow({entry.value("table", ""), entry.value("sink", ""), result == "not_copied" ? "not copied" : result, FormatCount(entry.value("rows_source", uint64_t{0})),
                  FormatCount(entry.value("rows_sink", uint64_t{0}))});
  }
  std::string out = table.Render(aligned);
  const std::string lsn = Printable(report.value("lsn", ""));
  if (different + missing + rewritten == 0) return out + fmt::format("equal: {} {} at {}\n", FormatCount(tables.size()), tables.size() == 1 ? "table" : "tables", lsn);
  out += fmt::format("{} at {}: {} different", different > 0 ? "NOT EQUAL" : "NOT PROVED EQUAL", lsn, different);
  if (missing > 0) out += fmt::format(", {} not copied yet", missing);
  if (rewritten > 0) out += fmt::format(", {} truncated or rewritten whenever they were to be read", rewritten);
  return out + "   run: sluice explain SLU-7002\n";
}

std::string VerifyLine(const nlohmann::ordered_json& progress, size_t width) {
  std::string line = fmt::format("comparing, {} of {} tables done: {}", progress.value("tables_done", 0), progress.value("tables_total", 0), Printable(progress.value("table", "")));
  if (line.size() <= width) return line;
  line.resize(width);
  while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80) != 0) line.pop_back();
  return line;
}

}  // namespace sluice::cli
