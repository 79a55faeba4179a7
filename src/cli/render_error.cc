#include "cli/render_error.h"

#include <fmt/format.h>

#include "cli/terminal.h"
#include "config/printable.h"
#include "config/secrets.h"

namespace sluice::cli {
namespace {

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return lines;
}

std::string Safe(std::string_view text) { return Printable(BlankPasswords(text)); }

std::string WhyOf(const Error& error) { return error.why.empty() ? std::string(EntryOf(error).why) : error.why; }

std::vector<std::string> FixOf(const Error& error) { return error.fix.empty() ? Lines(EntryOf(error).fix) : error.fix; }

// A hanging label before the first of some lines.
std::string Labelled(std::string_view label, const std::vector<std::string>& lines, bool color) {
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string head = i == 0 ? Colored(label, Ink::kBold, color) + std::string(6 - label.size(), ' ') : std::string(6, ' ');
    out += head + Safe(lines[i]) + "\n";
  }
  return out;
}

std::vector<std::string> Numbered(const std::vector<std::string>& remedies) {
  if (remedies.size() < 2) return remedies;
  std::vector<std::string> numbered;
  for (const std::string& remedy : remedies) numbered.push_back(fmt::format("{}. {}", numbered.size() + 1, remedy));
  return numbered;
}

bool Retryable(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUnavailable:
    case ErrorKind::kConflict:
    case ErrorKind::kOutcomeUnknown:
      return true;
    case ErrorKind::kNeedsOperator:
    case ErrorKind::kSourceLost:
    case ErrorKind::kCorrupt:
    case ErrorKind::kCancelled:
      return false;
  }
  return false;
}

nlohmann::ordered_json FixToJson(const std::vector<std::string>& remedies) {
  nlohmann::ordered_json fixes = nlohmann::ordered_json::array();
  for (const std::string& remedy : remedies) fixes.push_back({{"text", BlankPasswords(remedy)}});
  return fixes;
}

// PostgreSQL's own classes of refusal, where the code that met it had no better word.
bool IsPermission(const Error& error) {
  for (const std::string_view sign : {"[42501]", "[28000]", "[28P01]", "password authentication failed", "no password supplied",
                                      "no pg_hba.conf entry", "certificate", "permission denied", "Permission denied"})
    if (error.evidence.find(sign) != std::string::npos) return true;
  return false;
}

// A name in the connection string that the server does not know.
bool IsWrongName(const Error& error) {
  return error.evidence.find("[3D000]") != std::string::npos ||
         (error.evidence.find("database \"") != std::string::npos && error.evidence.find("does not exist") != std::string::npos);
}

std::string DocsOf(int code) { return fmt::format("docs/reference/errors.md#slu-{}", code); }

}  // namespace

ExitCode ExitCodeOf(const Error& error) {
  const ErrorEntry& entry = EntryOf(error);
  if (entry.code == slu::kGeneralOperator && IsPermission(error)) return ExitCode::kNoPermission;
  if (entry.code == slu::kGeneralOperator && IsWrongName(error)) return ExitCode::kConfig;
  return entry.exit;
}

std::string RenderError(const Error& error, bool color) {
  const int code = EntryOf(error).code;
  std::string out = fmt::format("{}: {}\n", Colored(fmt::format("error[SLU-{}]", code), Ink::kRed, color), Safe(error.message));
  for (const std::string& line : Lines(error.evidence)) out += fmt::format("      {}\n", Safe(line));
  out += Labelled("why:", Lines(WhyOf(error)), color);
  out += Labelled("fix:", Numbered(FixOf(error)), color);
  out += Labelled("more:", {fmt::format("sluice explain SLU-{}", code)}, color);
  return out;
}

nlohmann::ordered_json ErrorToJson(const Error& error) {
  const ErrorEntry& entry = EntryOf(error);
  nlohmann::ordered_json body;
  body["code"] = fmt::format("SLU-{}", entry.code);
  body["title"] = entry.title;
  body["detail"] = BlankPasswords(error.message);
  body["cause"] = WhyOf(error);
  if (!error.evidence.empty()) body["evidence"] = BlankPasswords(error.evidence);
  body["fix"] = FixToJson(FixOf(error));
  body["retryable"] = Retryable(error.kind);
  body["docs"] = DocsOf(entry.code);
  return {{"schema", "sluice.error/v1"}, {"error", body}};
}

std::string RenderMistakes(const LoadedConfig& loaded, bool color) {
  std::string out;
  for (const ConfigMistake& mistake : loaded.mistakes) {
    std::string text = RenderMistake(mistake, loaded.texts);
    const size_t head = text.find(':');
    out += Colored(text.substr(0, head), Ink::kRed, color) + text.substr(head) + "\n";
  }
  const size_t count = loaded.mistakes.size();
  out += fmt::format("{} {} in {}; nothing was started\n", count, count == 1 ? "mistake" : "mistakes", Safe(loaded.texts[0].name));
  return out;
}

nlohmann::ordered_json MistakesToJson(const LoadedConfig& loaded) {
  nlohmann::ordered_json document = ErrorToJson(ToError(loaded));
  document["error"].erase("evidence");
  nlohmann::ordered_json mistakes = nlohmann::ordered_json::array();
  for (const ConfigMistake& mistake : loaded.mistakes) {
    const ErrorEntry* entry = FindError(mistake.code);
    nlohmann::ordered_json one;
    one["code"] = fmt::format("SLU-{}", mistake.code);
    one["title"] = entry != nullptr ? entry->title : "";
    one["detail"] = mistake.message;
    one["cause"] = !mistake.why.empty() || entry == nullptr ? mistake.why : std::string(entry->why);
    if (!mistake.path.empty()) one["object"] = {{"path", mistake.path}};
    if (!mistake.hint.empty()) one["hint"] = mistake.hint;
    one["location"] = {{"file", loaded.texts[mistake.place.text].name}, {"line", mistake.place.line}, {"column", mistake.place.column}};
    one["fix"] = FixToJson(Lines(!mistake.fix.empty() || entry == nullptr ? std::string_view(mistake.fix) : entry->fix));
    one["docs"] = DocsOf(mistake.code);
    mistakes.push_back(std::move(one));
  }
  document["error"]["location"] = mistakes.empty() ? nlohmann::ordered_json() : mistakes[0]["location"];
  document["error"]["mistakes"] = std::move(mistakes);
  return document;
}

}  // namespace sluice::cli
