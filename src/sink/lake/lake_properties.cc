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
constexpr std::string_view kHeldPrefix = "sluice.held.";

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
          {kSourceTime, std::to_string(bookmark.source_time.time_since_epoch().count())},
          {kTableOidProperty, std::to_string(table)},
          {kEpochProperty, std::to_string(bookmark.epoch)}};
}

std::optional<SnapshotMark> ParseSnapshotMark(const Properties& summary) {
  const auto lsn = summary.find(kLsn);
  if (lsn == summary.end()) return std::nullopt;
  const Result<Lsn> parsed = ParseLsn(lsn->second);
  if (!parsed.ok()) return std::nullopt;
  SnapshotMark mark{*parsed, std::nullopt, std::nullopt};
  if (const auto since = summary.find(kSinceProperty); since != summary.end())
    if (const Result<Lsn> from = ParseLsn(since->second); from.ok()) mark.since = *from;
  const Result<int64_t> source_time = ParseNumber<int64_t>(summary, kSourceTime);
  if (source_time.ok() && *source_time > 0) mark.source_time = Timestamp(std::chrono::microseconds(*source_time));
  return mark;
}

Result<std::optional<CopiedTable>> ParseCopiedTable(const Properties& properties) {
  if (TextOf(properties, kStateProperty) != kStateCopied) return std::optional<CopiedTable>();
  CopiedTable table;
  ASSIGN_OR_RETURN(table.oid, ParseNumber<Oid>(properties, kTableOidProperty));
  ASSIGN_OR_RETURN(table.copy_lsn, ParseLsn(TextOf(properties, kCopyLsnProperty)));
  if (properties.contains(kCatchingUpProperty)) {
    ASSIGN_OR_RETURN(table.catching_up_from, ParseLsn(TextOf(properties, kCatchingUpProperty)));
  }
  table.fingerprint = TextOf(properties, kFingerprintProperty);
  return std::optional<CopiedTable>(table);
}

// The length of the namespace tells where the name begins.
std::string PropertySuffix(const TableName& table) { return fmt::format("{}.{}.{}", table.name_space.size(), table.name_space, table.name); }

std::optional<TableName> ParsePropertySuffix(std::string_view suffix) {
  size_t length = 0;
  const auto parsed = std::from_chars(suffix.data(), suffix.data() + suffix.size(), length);
  const auto digits = static_cast<size_t>(parsed.ptr - suffix.data());
  if (parsed.ec != std::errc() || digits == suffix.size() || suffix[digits] != '.') return std::nullopt;
  suffix.remove_prefix(digits + 1);
  if (length >= suffix.size() || suffix[length] != '.') return std::nullopt;
  return TableName{std::string(suffix.substr(0, length)), std::string(suffix.substr(length + 1))};
}

std::optional<TableName> ParseChangesOf(const Properties& properties) {
  if (TextOf(properties, kRoleProperty) != kRoleChanges) return std::nullopt;
  return ParsePropertySuffix(TextOf(properties, kChangesOfProperty));
}

std::string HeldProperty(const TableName& table) { return std::string(kHeldPrefix) + PropertySuffix(table); }

std::string ToText(const HeldTable& held) { return fmt::format("{} {} {} {}", held.oid, held.code, ToString(held.lsn), held.reason); }

Result<HeldTables> ParseHeldTables(const Properties& properties) {
  HeldTables tables;
  for (const auto& [key, value] : properties) {
    if (!key.starts_with(kHeldPrefix)) continue;
    const auto table = ParsePropertySuffix(std::string_view(key).substr(kHeldPrefix.size()));
    HeldTable held;
    const char* const end = value.data() + value.size();
    const auto oid = std::from_chars(value.data(), end, held.oid);
    const auto code = oid.ptr < end ? std::from_chars(oid.ptr + 1, end, held.code) : oid;
    const std::string_view tail(code.ptr < end ? code.ptr + 1 : end, code.ptr < end ? static_cast<size_t>(end - code.ptr - 1) : 0);
    const size_t space = tail.find(' ');
    if (!table || oid.ec != std::errc() || code.ec != std::errc() || space == std::string_view::npos)
      return Error{ErrorKind::kCorrupt, fmt::format("the lake's property {} is malformed", key)};
    ASSIGN_OR_RETURN(held.lsn, ParseLsn(tail.substr(0, space)));
    held.reason = tail.substr(space + 1);
    tables[*table] = std::move(held);
  }
  return tables;
}

}  // namespace sluice
