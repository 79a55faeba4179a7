#include "cli/check_report.h"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include "cli/terminal.h"
#include "config/printable.h"
#include "config/secrets.h"

namespace sluice::cli {
namespace {

constexpr size_t kLineWidth = 120;  // Of joined "ok" lines.
constexpr size_t kObjectsNamed = 3;  // Of findings that are alike.

std::string Safe(std::string_view text) { return Printable(BlankPasswords(text)); }

std::string_view WordOf(Severity severity) {
  switch (severity) {
    case Severity::kOk: return "ok";
    case Severity::kInfo: return "info";
    case Severity::kWarn: return "warn";
    case Severity::kFail: return "fail";
  }
  return "";
}

std::string MarkOf(Severity severity, bool color) {
  switch (severity) {
    case Severity::kOk: return Colored("✓", Ink::kGreen, color);
    case Severity::kInfo: return Colored("i", Ink::kDim, color);
    case Severity::kWarn: return Colored("!", Ink::kYellow, color);
    case Severity::kFail: return Colored("✗", Ink::kRed, color);
  }
  return "";
}

CheckCounts CountOne(const Findings& findings) {
  CheckCounts counts;
  for (const Finding& finding : findings) {
    switch (finding.severity) {
      case Severity::kOk: ++counts.ok; break;
      case Severity::kInfo: ++counts.infos; break;
      case Severity::kWarn: ++counts.warnings; break;
      case Severity::kFail: ++counts.failures; break;
    }
  }
  return counts;
}

std::string Sentence(const Finding& finding) {
  std::string sentence = finding.id;
  if (!finding.object.empty() && finding.found.find(finding.object) == std::string::npos) sentence += " " + Safe(finding.object);
  if (!finding.found.empty()) sentence += " " + Safe(finding.found);
  if (!finding.wanted.empty()) sentence += " → " + Safe(finding.wanted);
  return sentence;
}

bool Alike(const Finding& a, const Finding& b) {
  return !a.alike.empty() && a.alike == b.alike && a.id == b.id && a.severity == b.severity;
}

/// Of this one and all that are like it.
std::string JointSentence(const Finding& finding, const Findings& findings) {
  std::string named;
  size_t count = 0;
  for (const Finding& other : findings) {
    if (Alike(other, finding) && count++ < kObjectsNamed) named += (named.empty() ? "" : ", ") + Safe(other.object);
  }
  if (count < 2) return Sentence(finding);
  std::string sentence = fmt::format("{} {} ({}): {}", finding.id, Safe(finding.alike), count, named);
  if (count > kObjectsNamed) sentence += fmt::format(" and {} more, which --json names", count - kObjectsNamed);
  return finding.wanted.empty() ? sentence : sentence + " → " + Safe(finding.wanted);
}

std::string FixLines(const std::string& fix) {
  std::string out;
  for (size_t at = 0; at < fix.size();) {
    const size_t end = std::min(fix.find('\n', at), fix.size());
    out += fmt::format("         {} {}\n", out.empty() ? "fix:" : "    ", Safe(fix.substr(at, end - at)));
    at = end + 1;
  }
  return out;
}

std::string Header(const CheckGroup& group) {
  const CheckCounts counts = CountOne(group.findings);
  std::string numbers = fmt::format("{} ok", counts.ok);
  if (counts.warnings > 0) numbers += fmt::format(" · {} warn", counts.warnings);
  if (counts.failures > 0) numbers += fmt::format(" · {} fail", counts.failures);
  const std::string name = fmt::format("{:<8}{}", group.title, Safe(group.object));
  const size_t width = DisplayWidth(name);
  return fmt::format("{}{}{}\n", name, std::string(width < 78 ? 80 - width : 2, ' '), numbers);
}

// ✓ lines one after the other, as many as fit.
class OkLines {
 public:
  explicit OkLines(bool color) : color_(color) {}

  void Add(const Finding& finding, std::string& out) {
    const std::string sentence = Sentence(finding);
    if (width_ > 0 && width_ + DisplayWidth(sentence) + 6 > kLineWidth) Flush(out);
    line_ += (width_ == 0 ? "  " : "   ") + MarkOf(Severity::kOk, color_) + " " + sentence;
    width_ += DisplayWidth(sentence) + 5;
  }
  void Flush(std::string& out) {
    if (width_ == 0) return;
    out += line_ + "\n";
    line_.clear();
    width_ = 0;
  }

 private:
  const bool color_;
  std::string line_;
  size_t width_ = 0;
};

std::string Plural(size_t count, std::string_view word) { return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s"); }

}  // namespace

CheckCounts Count(const std::vector<CheckGroup>& groups) {
  CheckCounts all;
  for (const CheckGroup& group : groups) {
    const CheckCounts counts = CountOne(group.findings);
    all.ok += counts.ok;
    all.infos += counts.infos;
    all.warnings += counts.warnings;
    all.failures += counts.failures;
  }
  return all;
}

std::string RenderReport(const std::vector<CheckGroup>& groups, bool color) {
  std::string out;
  for (const CheckGroup& group : groups) {
    out += Header(group);
    OkLines joined(color);
    std::set<std::tuple<std::string, Severity, std::string>> said;
    for (const Finding& finding : group.findings) {
      if (finding.severity == Severity::kOk) {
        joined.Add(finding, out);
        continue;
      }
      if (!finding.alike.empty() && !said.insert({finding.id, finding.severity, finding.alike}).second) continue;
      joined.Flush(out);
      out += fmt::format("  {} {}\n{}", MarkOf(finding.severity, color), JointSentence(finding, group.findings), FixLines(finding.fix));
    }
    joined.Flush(out);
  }
  const CheckCounts counts = Count(groups);
  if (counts.failures > 0)
    out += fmt::format("{} must be fixed before start, {}.\n", Plural(counts.failures, "problem"), Plural(counts.warnings, "warning"));
  else
    out += counts.warnings > 0 ? fmt::format("ready to start, {}.\n", Plural(counts.warnings, "warning")) : "ready to start.\n";
  return out;
}

nlohmann::ordered_json ReportToJson(const std::vector<CheckGroup>& groups) {
  nlohmann::ordered_json findings = nlohmann::ordered_json::array();
  for (const CheckGroup& group : groups) {
    for (const Finding& finding : group.findings) {
      nlohmann::ordered_json one = {{"id", finding.id}, {"severity", WordOf(finding.severity)}, {"part", group.object}, {"object", finding.object}, {"found", BlankPasswords(finding.found)}};
      if (!finding.wanted.empty()) one["wanted"] = finding.wanted;
      if (!finding.fix.empty()) one["fix"] = {{"text", BlankPasswords(finding.fix)}};
      findings.push_back(std::move(one));
    }
  }
  const CheckCounts counts = Count(groups);
  return {{"schema", "sluice.check/v1"}, {"ok", counts.ok}, {"warnings", counts.warnings}, {"failures", counts.failures}, {"findings", std::move(findings)}};
}

}  // namespace sluice::cli
