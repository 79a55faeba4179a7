#include "sink/lake/lake_properties.h"

#include <fmt/format.h>

#include <charconv>

namespace sluice {
namespace {

using iceberg::Properties;

constexpr char kLsn[] = "sluice.lsn";
constexpr char kSystem[] = "sluice.system-id";
constexpr char kTimeline[] = "sluice.timeline";
constexpr char kDatabase[] = "sluice.database";
constexpr char kSlot[] = "sluice.slot";
constexpr char kSourceTime[] = "sluice.source-time-us";
constexpr char kTableOid[] = "sluice.table-oid";


template <class T>
Result<T> ParseNumber(const Properties& properties, const char* key) {
  const auto found = properties.find(key);
  T number{};
  if (found != properties.end()) {
    const char* const end = found->second.data() + found->second.size();
    const auto parsed = std::from_chars(found->second.data(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  }
  return Error{ErrorKind::kCorrupt, fmt::format("the lake's property {} is missing or malformed", key)};
}

std::string TextOf(const Properties& properties, const char* key) {
  const auto found = properties.find(key);
  return found == properties.end() ? "" : found->second;
}

}  // namespace

Properties BookmarkProperties(const Bookmark& bookmark) {
  return {{kLsn, ToString(bookmark.position.lsn)},
          {kSystem, std::to_string(bookmark.position.log.system_identifier)},
          {kTimeline, std::to_string(bookmark.position.log.timeline)},
          {kDatabase, bookmark.position.log.database},
          {kSlot, bookmark.position.log.slot},
          {kSourceTime, std::to_string(bookmark.source_time.time_since_epoch().count())},
          {kEpochProperty, std::to_string(bookmark.epoch)}};
}

Result<uint64_t> ParseEpoch(const Properties& properties) {
  if (!properties.contains(kEpochProperty)) return uint64_t{0};
  return ParseNumber<uint64_t>(properties, kEpochProperty);
}

Result<std::optional<Bookmark>> ParseBookmark(const Properties& properties) {
  if (!properties.contains(kLsn)) return std::optional<Bookmark>();
  Bookmark bookmark;
  ASSIGN_OR_RETURN(bookmark.position.lsn, ParseLsn(TextOf(properties, kLsn)));
  ASSIGN_OR_RETURN(bookmark.position.log.system_identifier, ParseNumber<uint64_t>(properties, kSystem));
  ASSIGN_OR_RETURN(bookmark.position.log.timeline, ParseNumber<uint32_t>(properties, kTimeline));
  ASSIGN_OR_RETURN(const int64_t source_time, ParseNumber<int64_t>(properties, kSourceTime));
  ASSIGN_OR_RETURN(bookmark.epoch, ParseEpoch(properties));
  bookmark.position.log.database = TextOf(properties, kDatabase);
  bookmark.position.log.slot = TextOf(properties, kSlot);
  bookmark.source_time = Timestamp(std::chrono::microseconds(source_time));
  return std::optional<Bookmark>(std::move(bookmark));
}

Properties TableProperties(const Bookmark& bookmark, Oid table) {
  return {{kLsn, ToString(bookmark.position.lsn)},
          {kSystem, std::to_string(bookmark.position.log.system_identifier)},
          {kTimeline, std::to_string(bookmark.position.log.timeline)},
          {kSlot, bookmark.position.log.slot},
          {kTableOid, std::to_string(table)},
          {kEpochProperty, std::to_string(bookmark.epoch)}};
}

Result<std::optional<CopiedTable>> ParseCopiedTable(const Properties& properties) {
  if (TextOf(properties, kStateProperty) != kStateCopied) return std::optional<CopiedTable>();
  CopiedTable table;
  ASSIGN_OR_RETURN(table.oid, ParseNumber<Oid>(properties, kTableOid));
  ASSIGN_OR_RETURN(table.copy_lsn, ParseLsn(TextOf(properties, kCopyLsnProperty)));
  return std::optional<CopiedTable>(table);
}

}  // namespace sluice
