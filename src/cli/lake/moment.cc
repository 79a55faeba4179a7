#include "cli/lake/moment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/printable.h"
#include "observability/error_catalog.h"
#include "sink/mapping/calendar.h"

namespace sluice::cli {

std::optional<Timestamp> ParseTime(std::string text) {
  constexpr int64_t kSecondsTo2000 = 946'684'800;
  std::replace(text.begin(), text.end(), 'T', ' ');
  if (text.ends_with('Z')) text.pop_back();
  if (std::count(text.begin(), text.end(), ':') == 1) text += ":00";
  const auto micros = mapping::ParseTimestamp(text);
  if (!micros || *micros == mapping::kInfiniteFuture || *micros == mapping::kInfinitePast) return std::nullopt;
  return Timestamp(std::chrono::seconds(kSecondsTo2000) + std::chrono::microseconds(*micros));
}

namespace {

// A number is what the column _lsn holds.
Result<Lsn> ParseLsnOrNumber(const std::string& text) {
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return Lsn{number};
  return ParseLsn(text);
}

}  // namespace

void AddCutOptions(CLI::App& verb, CutOptions& options) {
  CLI::Option* at = verb.add_option("--at", options.at, "the newest moment at or before this time of the source's clock, in UTC")->type_name("TIME");
  verb.add_option("--lsn", options.lsn, "the newest moment at or before this LSN; a number as in the column _lsn is one too")->type_name("LSN")->excludes(at);
}

Result<CutWish> ParseCutWish(const CutOptions& options) {
  CutWish wish;
  if (!options.lsn.empty()) {
    const auto lsn = ParseLsnOrNumber(options.lsn);
    if (!lsn.ok()) return Error{ErrorKind::kNeedsOperator, fmt::format("\"{}\" is no LSN", Printable(options.lsn)), slu::kUsage, "", "", {"give it as PostgreSQL prints it: 5C/9A01F2E8"}};
    wish.lsn = *lsn;
  }
  if (!options.at.empty()) {
    wish.time = ParseTime(options.at);
    if (!wish.time) return Error{ErrorKind::kNeedsOperator, fmt::format("\"{}\" is no time", Printable(options.at)), slu::kUsage, "", "", {"give it in UTC: 2026-07-01T12:00:00Z"}};
  }
  return wish;
}

}  // namespace sluice::cli
