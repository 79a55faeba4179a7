// sluice explain: what a code means and what to do.

#include <fmt/format.h>

#include <charconv>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "config/printable.h"

namespace sluice::cli {
namespace {

struct Options {
  std::string code;
  bool all = false;
  bool markdown = false;
};

// "SLU-2117", "slu2117" and "2117" all mean the same.
std::optional<int> ParseCode(std::string_view text) {
  if (text.size() > 3 && (text.starts_with("SLU") || text.starts_with("slu"))) text.remove_prefix(3);
  if (text.starts_with('-')) text.remove_prefix(1);
  int code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return code;
}

std::string Indent(std::string_view lines, std::string_view first, std::string_view rest) {
  std::string out;
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    out += fmt::format("{}{}\n", out.empty() ? first : rest, lines.substr(0, end));
    lines = end == std::string_view::npos ? "" : lines.substr(end + 1);
  }
  return out;
}

std::string AsText(const ErrorEntry& entry) {
  return fmt::format("SLU-{}: {}\n\n", entry.code, entry.title) + Indent(entry.why, "why:  ", "      ") + Indent(entry.fix, "fix:  ", "      ") +
         fmt::format("exit: {} ({})\n", static_cast<int>(entry.exit), NameOf(entry.exit));
}

std::string AsMarkdown(const ErrorEntry& entry) {
  return fmt::format("## SLU-{}\n\n**{}.** {}\n\n", entry.code, entry.title, entry.why) + Indent(entry.fix, "- ", "- ") +
         fmt::format("\nExit code {} ({}).\n\n", static_cast<int>(entry.exit), NameOf(entry.exit));
}

nlohmann::ordered_json AsJson(const ErrorEntry& entry) {
  return {{"code", fmt::format("SLU-{}", entry.code)}, {"title", entry.title}, {"cause", entry.why}, {"fix", entry.fix}, {"exit_code", static_cast<int>(entry.exit)}};
}

Result<ExitCode> ExplainAll(const Options& options, const Invocation& invocation) {
  if (invocation.options.json) {
    nlohmann::ordered_json errors = nlohmann::ordered_json::array();
    for (const ErrorEntry& entry : AllErrors()) errors.push_back(AsJson(entry));
    invocation.PrintJson({{"schema", "sluice.errors/v1"}, {"errors", std::move(errors)}});
    return ExitCode::kOk;
  }
  if (options.markdown) PrintData("# Errors\n\nWritten by `sluice explain --all --markdown`.\n\n");
  for (const ErrorEntry& entry : AllErrors())
    PrintData(options.markdown ? AsMarkdown(entry) : fmt::format("SLU-{}  {}\n", entry.code, entry.title));
  return ExitCode::kOk;
}

Result<ExitCode> Explain(const Options& options, const Invocation& invocation) {
  if (options.all || options.code.empty()) return ExplainAll(options, invocation);
  const std::optional<int> code = ParseCode(options.code);
  const ErrorEntry* entry = code ? FindError(*code) : nullptr;
  if (entry == nullptr)
    return Error{ErrorKind::kNeedsOperator, fmt::format("there is no error {}", Printable(options.code)), slu::kUnknownCode};
  if (invocation.options.json) invocation.PrintJson(AsJson(*entry));
  else PrintData(options.markdown ? AsMarkdown(*entry) : AsText(*entry));
  return ExitCode::kOk;
}

}  // namespace

void AddExplain(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "explain", "What an error code means and what to do",
                           "  sluice explain SLU-1104\n"
                           "  sluice explain --all\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("code", options->code, "SLU-1104 or 1104; without it all are listed");
  verb->add_flag("--all", options->all, "all codes");
  verb->add_flag("--markdown", options->markdown, "as a page of documentation");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Explain(*options, invocation); }; });
}

}  // namespace sluice::cli
