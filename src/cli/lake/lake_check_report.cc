#include "cli/lake/lake_check_report.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "cli/terminal.h"
#include "config/printable.h"

namespace sluice::cli {
namespace {

using audit::Gravity;
using nlohmann::ordered_json;

std::string_view WordOf(Gravity gravity) {
  switch (gravity) {
    case Gravity::kNote: return "note";
    case Gravity::kRefused: return "refused";
    case Gravity::kWrong: return "wrong";
  }
  return "";
}

std::string MarkOf(Gravity gravity, bool color) {
  switch (gravity) {
    case Gravity::kNote: return Colored("i", Ink::kDim, color);
    case Gravity::kRefused: return Colored("!", Ink::kYellow, color);
    case Gravity::kWrong: return Colored("✗", Ink::kRed, color);
  }
  return "";
}

std::string LookedAt(const audit::CheckedTable& checked) {
  return fmt::format("{} snapshots, {} manifests, {} files, {} opened", checked.snapshots, checked.manifests, checked.files, checked.data_files + checked.delete_files);
}

std::string Lines(const audit::Finding& finding, bool color) {
  std::string text = fmt::format("  {} {} {}{}\n", MarkOf(finding.rule->gravity, color), finding.rule->id, finding.reader.empty() ? "" : finding.reader + ": ", Printable(finding.what));
  if (!finding.file.empty()) text += fmt::format("         file:   {}\n", Printable(finding.file));
  text += fmt::format("         breaks: {}\n         fix:    {}\n", finding.rule->breaks, finding.rule->fix);
  return text;
}

struct Counts {
  size_t wrong = 0, refused = 0, notes = 0;
};

Counts CountKept(const std::vector<CheckedLakeTable>& tables) {
  Counts counts;
  for (const CheckedLakeTable& table : tables)
    for (const audit::Finding& finding : table.checked.findings.kept()) {
      counts.wrong += finding.rule->gravity == Gravity::kWrong;
      counts.refused += finding.rule->gravity == Gravity::kRefused;
      counts.notes += finding.rule->gravity == Gravity::kNote;
    }
  return counts;
}

}  // namespace

std::string RenderLakeCheck(const std::vector<CheckedLakeTable>& tables, bool color) {
  std::string out;
  for (const CheckedLakeTable& table : tables) {
    const auto& findings = table.checked.findings;
    const std::string mark = findings.bad() > 0 ? Colored("✗", Ink::kRed, color) : Colored("✓", Ink::kGreen, color);
    out += fmt::format("{} {}  {}{}\n", mark, Printable(table.name), LookedAt(table.checked), table.checked.stopped ? ", then stopped" : "");
    // Of notes one of each kind is enough; the JSON has all.
    std::map<std::string_view, size_t> notes;
    for (const audit::Finding& finding : findings.kept()) notes[finding.rule->id] += finding.rule->gravity == Gravity::kNote;
    for (const audit::Finding& finding : findings.kept()) {
      const size_t alike = finding.rule->gravity == Gravity::kNote ? std::exchange(notes[finding.rule->id], 0) : 1;
      if (alike > 0) out += Lines(finding, color);
      if (alike > 1) out += fmt::format("         and {} more like it\n", alike - 1);
    }
    if (findings.not_kept() > 0) out += fmt::format("  and {} more of the same kinds\n", findings.not_kept());
  }
  const Counts counts = CountKept(tables);
  if (counts.wrong + counts.refused + counts.notes == 0) return out + fmt::format("sound: {} {}\n", tables.size(), tables.size() == 1 ? "table" : "tables");
  return out + fmt::format("{} wrong, {} refused by a reader, {} {}\n", counts.wrong, counts.refused, counts.notes, counts.notes == 1 ? "note" : "notes");
}

ordered_json LakeCheckToJson(const std::vector<CheckedLakeTable>& tables) {
  ordered_json all = ordered_json::array();
  for (const CheckedLakeTable& table : tables) {
    ordered_json findings = ordered_json::array();
    for (const audit::Finding& finding : table.checked.findings.kept()) {
      ordered_json one = {{"id", finding.rule->id}, {"gravity", WordOf(finding.rule->gravity)}, {"file", finding.file}, {"what", finding.what}, {"breaks", finding.rule->breaks}, {"fix", finding.rule->fix}};
      if (!finding.reader.empty()) one["reader"] = finding.reader;
      findings.push_back(std::move(one));
    }
    const audit::CheckedTable& checked = table.checked;
    all.push_back({{"table", table.name}, {"metadata_location", table.metadata_location}, {"sound", checked.findings.bad() == 0}, {"snapshots", checked.snapshots}, {"manifests", checked.manifests},
                   {"files", checked.files}, {"data_files_opened", checked.data_files}, {"delete_files_opened", checked.delete_files}, {"findings", std::move(findings)},
                   {"findings_not_listed", checked.findings.not_kept()}});
  }
  const Counts counts = CountKept(tables);
  return {{"schema", "sluice.lake.check/v1"}, {"wrong", counts.wrong}, {"refused", counts.refused}, {"notes", counts.notes}, {"tables", std::move(all)}};
}

}  // namespace sluice::cli
