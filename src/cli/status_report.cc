#include "cli/status_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "config/printable.h"
#include "config/units.h"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

// Of another version's document: absent or null is a dash, never a failure.
std::string Text(const ordered_json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "–";
}

double Number(const ordered_json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

uint64_t Amount(const ordered_json& object, const char* name) { return static_cast<uint64_t>(std::clamp(Number(object, name), 0.0, 9e18)); }

ordered_json Part(const ordered_json& object, const char* name) { return object.value(name, ordered_json::object()); }

std::string Upper(std::string word) {
  for (char& c : word)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return word;
}

std::string Seconds(double seconds) { return FormatDuration(std::chrono::milliseconds(static_cast<int64_t>(std::clamp(seconds, 0.0, 1e12) * 1000))); }

std::string FreshnessCell(const ordered_json& sink) {
  const auto found = sink.find("freshness_seconds");
  return found != sink.end() && found->is_number() ? Seconds(found->get<double>()) : "unknown";
}

/// How long until something that is forecast; nullopt: it is not.
std::optional<std::string> Later(const ordered_json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number() || found->get<double>() <= 0) return std::nullopt;
  return Seconds(found->get<double>());
}

std::string SlotLine(const ordered_json& source) {
  std::string line = fmt::format("SOURCE {}  slot {}", Printable(Text(source, "name")), Printable(Text(source, "slot")));
  if (!source.contains("retained_bytes")) return line + "  not looked at yet\n";
  const double retained = Number(source, "retained_bytes"), budget = Number(source, "budget_bytes");
  line += fmt::format("  behind {}  retained {}", FormatSize(Amount(source, "behind_bytes")), FormatSize(Amount(source, "retained_bytes")));
  if (budget > 0) line += fmt::format(" of {} budget ({:.1f}%)", FormatSize(Amount(source, "budget_bytes")), 100 * retained / budget);
  if (budget > 0 && retained > budget) line += "  OVER BUDGET";
  else if (const auto in = Later(source, "over_budget_in_seconds"); budget > 0 && in) line += fmt::format("  over it in {}", *in);
  if (Text(source, "wal_status") == "lost") line += "  LOST";
  else if (const auto in = Later(source, "lost_in_seconds")) line += fmt::format("  LOST in {}", *in);
  return line + "\n";
}

std::string VerifyLines(const ordered_json& verify, const ordered_json& tables) {
  if (!verify.contains("oldest_at") || !verify["oldest_at"].is_string()) return "";
  uint64_t all = 0;
  for (const char* const state : {"streaming", "catching_up", "copying", "waiting", "held"}) all += Amount(tables, state);
  std::string lines = fmt::format("VERIFY  {} of {} tables compared with the source, the oldest at {}\n", FormatCount(Amount(verify, "tables_compared")), FormatCount(all),
                                  Printable(Text(verify, "oldest_at")));
  constexpr size_t kNamed = 10;
  const ordered_json different = verify.value("different", ordered_json::array());
  for (size_t i = 0; i < std::min(different.size(), kNamed); ++i)
    lines += fmt::format("DIFFERS {} in {}  {} rows   run: sluice verify diff {}\n", Printable(Text(different[i], "table")), Printable(Text(different[i], "sink")),
                         FormatCount(Amount(different[i], "rows_different")), Printable(Text(different[i], "table")));
  if (different.size() > kNamed) lines += fmt::format("        and {} more: sluice tables --json\n", different.size() - kNamed);
  return lines;
}

std::string TablesLine(const ordered_json& tables) {
  std::string line = fmt::format("TABLES  {} streaming", FormatCount(Amount(tables, "streaming")));
  for (const char* const state : {"catching_up", "copying", "waiting", "held"})
    if (const uint64_t count = Amount(tables, state); count > 0) line += fmt::format(" · {} {}", FormatCount(count), std::string_view(state) == "catching_up" ? "catching up" : state);
  line += "\n";
  constexpr size_t kNamed = 10;
  const ordered_json held = tables.value("held_tables", ordered_json::array());
  for (size_t i = 0; i < std::min(held.size(), kNamed); ++i)
    line += fmt::format("HELD    {} in {}  {} {}   run: sluice resync {}\n", Printable(Text(held[i], "table")), Printable(Text(held[i], "sink")), Printable(Text(held[i], "code")),
                        Printable(Text(held[i], "reason")), Printable(Text(held[i], "table")));
  if (held.size() > kNamed) line += fmt::format("        and {} more: sluice tables\n", held.size() - kNamed);
  return line;
}

}  // namespace

std::string RenderStatus(const ordered_json& status, bool aligned) {
  std::string out = fmt::format("{}  {}", Printable(Text(status, "project")), Printable(Upper(Text(status, "state"))));
  if (status.contains("started_at")) out += fmt::format("  since {}", Printable(Text(status, "started_at")));
  out += "\n";
  Table sinks({{"SINK"}, {"FRESHNESS", Align::kRight}, {"ROWS/S", Align::kRight}, {"LSN"}, {"STATE"}});
  for (const ordered_json& sink : status.value("sinks", ordered_json::array()))
    sinks.AddRow({Text(sink, "name"), FreshnessCell(sink), FormatCount(Amount(sink, "rows_per_second")), Text(sink, "lsn"), Text(sink, "state")});
  out += sinks.Render(aligned) + SlotLine(Part(status, "source")) + TablesLine(Part(status, "tables"));
  out += VerifyLines(Part(status, "verify"), Part(status, "tables"));
  if (status.contains("retry")) {
    const ordered_json retry = Part(status, "retry");
    out += fmt::format("RETRY   attempt {:.0f} of {:.0f}, next in {:.0f} s\n", Number(retry, "attempt"), Number(retry, "max"), Number(retry, "next_in_seconds"));
  }
  if (status.contains("error")) {
    const ordered_json error = Part(status, "error");
    const std::string code = Printable(Text(error, "code"));
    out += fmt::format("ERROR   {} {}   run: sluice explain {}\n", code, Printable(Text(error, "detail")), code);
  }
  return out;
}

Table TablesTable(const ordered_json& tables) {
  Table table({{"TABLE"}, {"STATE"}, {"COPIED", Align::kRight}, {"COPY LSN"}, {"SINKS"}, {"HELD"}});
  for (const ordered_json& entry : tables.value("tables", ordered_json::array())) {
    std::string copied = "–";
    const uint64_t total = Amount(entry, "bytes_total"), read = Amount(entry, "bytes_read");
    if (total > 0 && Text(entry, "state") == "copying") copied = fmt::format("{}%", std::min<uint64_t>(99, read * 100 / total));
    else if (Amount(entry, "rows_copied") > 0) copied = FormatCount(Amount(entry, "rows_copied")) + " rows";
    if (const ordered_json resumed = Part(entry, "resumed"); !resumed.empty() && Text(entry, "state") == "copying")
      copied += fmt::format(", {} of {} ranges kept", Amount(resumed, "ranges_kept"), Amount(resumed, "ranges_total"));
    std::string sinks;
    for (const ordered_json& sink : entry.value("copied_in", ordered_json::array())) sinks += (sinks.empty() ? "" : ", ") + (sink.is_string() ? sink.get<std::string>() : "");
    std::string held;
    for (const ordered_json& hold : entry.value("held_in", ordered_json::array())) held += fmt::format("{}{}: {}", held.empty() ? "" : "; ", Text(hold, "sink"), Text(hold, "code"));
    table.AddRow({Text(entry, "table"), Text(entry, "state"), copied, Text(entry, "copy_lsn"), sinks, held});
  }
  return table;
}

ExitCode StatusExitCode(const ordered_json& status) {
  const std::string state = Text(status, "state");
  return state == "failed" || state == "retrying" || Amount(Part(status, "tables"), "held") > 0 || !Part(status, "verify").value("different", ordered_json::array()).empty() ? ExitCode::kDegraded : ExitCode::kOk;
}

}  // namespace sluice::cli
