#pragma once
// What sluice keeps in the lake's own properties: the bookmark in those of a catalog namespace, each table's part of
// it in those of the table and in the summary of each of its snapshots.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "change/copy_state.h"
#include "iceberg/snapshot.h"
#include "sink/sink.h"

namespace sluice {

/// The namespace whose properties hold the bookmark. It has no tables.
inline constexpr char kBookmarkNamespace[] = "sluice";
inline constexpr char kEpochProperty[] = "sluice.epoch";
inline constexpr char kStateProperty[] = "sluice.state";
inline constexpr char kStateCopying[] = "copying";
inline constexpr char kStateCopied[] = "copied";
inline constexpr char kStateStale[] = "stale";  ///< Was copied; its rows stay until it is copied again.
inline constexpr char kTableOidProperty[] = "sluice.table-oid";  ///< Of the source.
inline constexpr char kColumnsProperty[] = "sluice.columns";
inline constexpr char kCopyLsnProperty[] = "sluice.copy-lsn";
inline constexpr char kFingerprintProperty[] = "sluice.source-fingerprint";
inline constexpr char kCatchingUpProperty[] = "sluice.catching-up-from";  ///< Only while it does.
/// What a table is that is not the copy of one of the source; without it, it is such a copy, or somebody else's.
inline constexpr char kRoleProperty[] = "sluice.role";
inline constexpr char kRoleCuts[] = "cuts";
inline constexpr char kRoleChanges[] = "changes";
inline constexpr char kChangesOfProperty[] = "sluice.changes-of";         ///< The table, as PropertySuffix.
inline constexpr char kLastVersionProperty[] = "sluice.last-version";     ///< Of a table of changes: the one that was written last.
inline constexpr char kSinceProperty[] = "sluice.since-lsn";              ///< Only in summaries.

iceberg::Properties BookmarkProperties(const Bookmark& bookmark);

/// nullopt where there is no bookmark yet. Error: kCorrupt.
Result<std::optional<Bookmark>> ParseBookmark(const iceberg::Properties& properties);

/// 0 where there is none. Error: kCorrupt.
Result<uint64_t> ParseEpoch(const iceberg::Properties& properties);

/// What identifies a table's content: for its properties and summaries.
iceberg::Properties TableProperties(const Bookmark& bookmark, Oid table);

/// How far the commit that made a snapshot had brought its table.
struct SnapshotMark {
  Lsn lsn;
  std::optional<Timestamp> source_time;  ///< Everything committed up to then is in it; absent: the summary does not say.
  /// The changes of its commit end after this; absent: all after the last moment of the lake that comes before `lsn`.
  std::optional<Lsn> since = {};

  bool operator==(const SnapshotMark&) const = default;
};

/// nullopt where the snapshot is another writer's.
std::optional<SnapshotMark> ParseSnapshotMark(const iceberg::Properties& summary);

/// A table of ours whose copy is complete; nullopt for any other. Error: kCorrupt.
Result<std::optional<CopiedTable>> ParseCopiedTable(const iceberg::Properties& properties);

/// A table as the last part of a property's name. Unambiguous whatever the names contain.
std::string PropertySuffix(const TableName& table);
/// nullopt: no table.
std::optional<TableName> ParsePropertySuffix(std::string_view suffix);

/// Of a table of changes: whose; nullopt for any other.
std::optional<TableName> ParseChangesOf(const iceberg::Properties& properties);

/// Where the bookmark's namespace says that a table is held.
std::string HeldProperty(const TableName& table);
std::string ToText(const HeldTable& held);
/// All holds among the properties of the bookmark's namespace. Error: kCorrupt.
Result<HeldTables> ParseHeldTables(const iceberg::Properties& properties);

}  // namespace sluice
