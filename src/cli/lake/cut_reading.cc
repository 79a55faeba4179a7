#include "cli/lake/cut_reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/printable.h"
#include "sink/mapping/calendar.h"

namespace sluice::cli {
namespace {

// "2026-07-01T12:00:00Z", "2026-07-01 12:00:00", "2026-07-01"; UTC.
std::optional<Timestamp> ParseTime(std::string text) {
  constexpr int64_t kSecondsTo2000 = 946'684'800;
  std::replace(text.begin(), text.end(), 'T', ' ');
  if (text.ends_with('Z')) text.pop_back();
  if (std::count(text.begin(), text.end(), ':') == 1) text += ":00";
  const auto micros = mapping::ParseTimestamp(text);
  if (!micros || *micros == mapping::kInfiniteFuture || *micros == mapping::kInfinitePast) return std::nullopt;
  return Timestamp(std::chrono::seconds(kSecondsTo2000) + std::chrono::microseconds(*micros));
}

}  // namespace

void AddCutOptions(CLI::App& verb, CutOptions& options) {
  CLI::Option* at = verb.add_option("--at", options.at, "the newest moment at or before this time of the source's clock, in UTC")->type_name("TIME");
  verb.add_option("--lsn", options.lsn, "the newest moment at or before this LSN")->type_name("LSN")->excludes(at);
}

Result<CutWish> ParseCutWish(const CutOptions& options) {
  CutWish wish;
  if (!options.lsn.empty()) {
    const auto lsn = ParseLsn(options.lsn);
    if (!lsn.ok()) return Error{ErrorKind::kNeedsOperator, fmt::format("\"{}\" is no LSN", Printable(options.lsn)), slu::kUsage, "", "", {"give it as PostgreSQL prints it: 5C/9A01F2E8"}};
    wish.lsn = *lsn;
  }
  if (!options.at.empty()) {
    wish.time = ParseTime(options.at);
    if (!wish.time) return Error{ErrorKind::kNeedsOperator, fmt::format("\"{}\" is no time", Printable(options.at)), slu::kUsage, "", "", {"give it in UTC: 2026-07-01T12:00:00Z"}};
  }
  return wish;
}

// The bookmark first: what is committed while the tables are loaded lies behind it.
Result<LoadedTables> LoadTables(const OpenedLake& lake, const Invocation& invocation) {
  LoadedTables loaded;
  ASSIGN_OR_RETURN(const auto properties, lake.catalog().NamespaceProperties(kBookmarkNamespace));
  if (properties) {
    ASSIGN_OR_RETURN(loaded.bookmark, ParseBookmark(*properties));
  }
  ASSIGN_OR_RETURN(const HeldTables held, ReadHeldTables(lake.catalog()));
  RETURN_IF_ERROR(ForEachTable(lake, invocation, [&](const TableIdentifier& id, const CatalogTable& table) -> Status {
    CutTable one{{id.name_space, id.name}, table.metadata, std::nullopt};
    if (const auto found = held.find(one.name); found != held.end()) one.held = found->second;
    loaded.tables.push_back(std::move(one));
    loaded.locations.push_back(table.metadata_location);
    return Ok();
  }));
  return loaded;
}

Result<Cut> CutOf(const LoadedTables& loaded, const CutWish& wish) {
  auto cut = FindCut(loaded.tables, loaded.bookmark, wish);
  if (!cut) return Error{ErrorKind::kNeedsOperator, loaded.bookmark ? "no snapshot that is left is that old" : "nothing was committed to the lake yet", slu::kLakeNoCut};
  return std::move(*cut);
}

}  // namespace sluice::cli
