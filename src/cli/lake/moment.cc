#include "cli/lake/moment.h"

#include <fmt/format.h>

#include <algorithm>

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

Result<CutWish> ParseWish(const std::string& at, const std::string& lsn_text) {
  CutWish wish;
  if (!lsn_text.empty()) {
    const auto lsn = ParseLsn(lsn_text);
    if (!lsn.ok()) return Error{ErrorKind::kNeedsOperator, fmt::format("\"{}\" is no LSN", Printable(lsn_text)), slu::kUsage, "", "", {"give it as PostgreSQL prints it: 5C/9A01F2E8"}};
    wish.lsn = *lsn;
  }
  if (!at.empty()) {
    wish.time = ParseTime(at);
    if (!wish.time) return Error{ErrorKind::kNeedsOperator, fmt::format("\"{}\" is no time", Printable(at)), slu::kUsage, "", "", {"give it in UTC: 2026-07-01T12:00:00Z"}};
  }
  return wish;
}

}  // namespace sluice::cli
