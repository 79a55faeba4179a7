#include "cli/sql/shell.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/render_error.h"
#include "cli/sql/line_editor.h"
#include "config/printable.h"
#include "duckdb/statements.h"

namespace sluice::cli {
namespace {

constexpr size_t kFlushBytes = 64 << 10;
constexpr const char* kTables = "SELECT database AS catalog, schema AS namespace, name FROM (SHOW ALL TABLES) WHERE database IN ('lake', 'replica') ORDER BY ALL";
constexpr const char* kHelp =
    "Statements end with a semicolon. Ctrl-C ends the query, Ctrl-D the shell.\n"
    "  .tables    what there is to ask\n"
    "  .cut       which moment this is\n"
    "  .refresh   the newest moment that the command line allows, now\n"
    "  .quit\n";

std::string Trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  text.erase(text.find_last_not_of(" \t\r\n;") + 1);
  return text;
}

}  // namespace

void SqlShell::SayBanner() const {
  for (const std::string& line : session.banner) invocation.Say(line);
}

Status SqlShell::RunOne(const std::string& statement) {
  if (signals.came()) return Error{ErrorKind::kCancelled, "cancelled"};
  std::string out;
  const auto flush = [&] {
    PrintData(out);
    out.clear();
    if (std::ferror(stdout) != 0) session.duckdb->Interrupt();
  };
  const bool is_plan = (format == ResultFormat::kTable || format == ResultFormat::kTabs) && FirstWord(statement) == "explain";
  const auto writer = MakeResultWriter(is_plan ? ResultFormat::kPlan : format, [&](std::string_view text) {
    out += text;
    if (out.size() >= kFlushBytes) flush();
  });
  Result<StatementDone> ran = StatementDone{};
  {
    const QuerySignals::During during(signals, *session.duckdb);
    ran = session.duckdb->Run(statement, *writer);
  }
  flush();
  ASSIGN_OR_RETURN(const StatementDone done, std::move(ran));
  if (!done.has_rows && done.rows_changed > 0) invocation.Say(fmt::format("{} {} changed in memory", done.rows_changed, done.rows_changed == 1 ? "row" : "rows"));
  return Ok();
}

Status SqlShell::RunText(const std::string& text) {
  SplitSql split = SplitStatements(text);
  if (!split.rest.empty()) split.statements.push_back(std::move(split.rest));
  for (const std::string& statement : split.statements) RETURN_IF_ERROR(RunOne(statement));
  return Ok();
}

Status SqlShell::RunCommand(const std::string& line, bool& quit) {
  if (line == ".quit" || line == ".exit") quit = true;
  else if (line == ".help") PrintTalk(kHelp);
  else if (line == ".cut") SayBanner();
  else if (line == ".tables") return RunOne(kTables);
  else if (line == ".refresh") {
    ASSIGN_OR_RETURN(session, reopen());
    SayBanner();
  } else {
    return Error{ErrorKind::kNeedsOperator, fmt::format("there is no command \"{}\"", Printable(line)), slu::kUsage, "", "", {"see all: .help"}};
  }
  return Ok();
}

void SqlShell::Say(const Status& status) const {
  if (status.ok()) return;
  if (status.error().kind == ErrorKind::kCancelled) return PrintTalk("cancelled\n");
  PrintTalk(RenderError(status.error(), invocation.terminal.color));
}

ExitCode SqlShell::RunTerminal() {
  LineEditor editor(SqlHistoryFile());
  PrintTalk("type .help for help\n");
  std::string typed;
  for (bool quit = false; !quit && !signals.ends_all();) {
    signals.Forget();
    std::string line;
    LineEditor::Read read;
    {
      const QuerySignals::ComeThrough come_through(signals);
      read = editor.ReadLine(typed.empty() ? "sluice> " : "     -> ", line);
    }
    if (signals.ends_all()) break;
    if (read == LineEditor::Read::kInterrupted) {
      PrintTalk("\n");
      typed.clear();
      continue;
    }
    if (read == LineEditor::Read::kEnd) {
      PrintTalk("\n");
      return ExitCode::kOk;
    }
    if (typed.empty() && (Trimmed(line).starts_with('.') || Trimmed(line) == "quit" || Trimmed(line) == "exit")) {
      const std::string command = Trimmed(line);
      Say(RunCommand(command.starts_with('.') ? command : "." + command, quit));
      continue;
    }
    typed += typed.empty() ? line : "\n" + line;
    SplitSql split = SplitStatements(typed);
    if (!split.statements.empty()) editor.Remember(Trimmed(typed) + ";");
    for (const std::string& statement : split.statements) {
      const Status ran = RunOne(statement);
      Say(ran);
      if (ran.ok()) continue;
      split.rest.clear();
      break;
    }
    typed = std::move(split.rest);
  }
  return signals.ends_all() ? signals.exit_code() : ExitCode::kOk;
}

}  // namespace sluice::cli
