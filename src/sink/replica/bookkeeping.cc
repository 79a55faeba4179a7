#include "sink/replica/bookkeeping.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>

#include "base/failpoint.h"
#include "observability/errors/replica_codes.h"
#include "sink/replica/kept_copies.h"
#include "sink/replica/parse_number.h"

namespace sluice {
namespace {

// system_identifier exceeds int8; times are microseconds since 1970, so that no session setting touches them.
constexpr const char* kTables[] = {
    "CREATE TABLE IF NOT EXISTS sluice.bookmark ("
    " one_row bool PRIMARY KEY DEFAULT true CHECK (one_row), epoch int8 NOT NULL,"
    " system_identifier numeric, timeline int8, database text, slot text, lsn pg_lsn,"
    " source_time timestamptz, committed_at timestamptz)",
    // columns: attribute numbers of the source and the names here. fingerprint: change/table_fingerprint.h.
    // state: none (known only as held), preparing, copied. caught_up_lsn: set while the table is behind the bookmark.
    "CREATE TABLE IF NOT EXISTS sluice.table_state ("
    " namespace text, name text, state text NOT NULL CHECK (state IN ('none', 'preparing', 'copied')),"
    " made_by_us bool NOT NULL DEFAULT false, filled bool NOT NULL DEFAULT false,"
    " oid oid NOT NULL DEFAULT 0, copy_lsn pg_lsn, caught_up_lsn pg_lsn, columns jsonb, fingerprint text,"
    " held_code int4, held_oid oid, held_reason text, held_lsn pg_lsn,"
    " changed_at timestamptz NOT NULL DEFAULT pg_catalog.now(), PRIMARY KEY (namespace, name))",
};

#define SLUICE_SET_BOOKMARK                                                                              \
  "UPDATE sluice.bookmark SET system_identifier = $1::text::numeric, timeline = $2::text::int8,"         \
  " database = $3::text, slot = $4::text, lsn = $5::text::pg_lsn,"                                       \
  " source_time = CASE WHEN $6::text = '0' THEN source_time ELSE timestamptz 'epoch' +"                  \
  " $6::text::int8 * interval '1 microsecond' END,"                                                      \
  " committed_at = pg_catalog.clock_timestamp() WHERE epoch = $7::text::int8"

constexpr const char* kMoveBookmark = SLUICE_SET_BOOKMARK;

constexpr const char* kReadBookmark =
    "SELECT epoch, system_identifier::text, timeline, database, slot, lsn::text,"
    " (pg_catalog.extract('epoch', source_time) * 1000000)::int8 FROM sluice.bookmark";

Error Fenced() {
  return Error{ErrorKind::kConflict, "another process has opened the replica since we did", slu::kReplicaFenced};
}

std::string ToJson(const ColumnNames& columns) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [number, name] : columns) json[std::to_string(number)] = name;
  return json.dump();
}

ColumnNames ColumnNamesOf(std::string_view text) {
  ColumnNames columns;
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return columns;
  for (const auto& [number, name] : json.items())
    if (name.is_string()) columns[ParseNumber<int16_t>(number)] = name.get<std::string>();
  return columns;
}

std::vector<std::optional<std::string>> Optional(const std::vector<std::string>& values) {
  return {values.begin(), values.end()};
}

Status EnsureTables(PgConnection& connection) {
  ASSIGN_OR_RETURN(const std::string present,
                   connection.QueryValue("SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
                                         " ON n.oid = c.relnamespace WHERE n.nspname = 'sluice' AND c.relkind = 'r'"
                                         " AND c.relname IN ('bookmark', 'table_state', 'kept_copy', 'kept_range')"));
  if (std::string_view(present) == "4") return Ok();
  const auto refused = [](const Error& error) {
    if (error.kind == ErrorKind::kUnavailable) return error;
    return Error{ErrorKind::kNeedsOperator, "cannot create schema sluice on the replica",
                 slu::kReplicaNamespaceDenied, error.evidence};
  };
  // Two processes that start together: CREATE … IF NOT EXISTS can still collide, so one waits for the other.
  auto made = connection.Execute("SELECT pg_catalog.pg_advisory_xact_lock(7096582017)");
  if (!made.ok()) return made.error();
  made = connection.Execute("CREATE SCHEMA IF NOT EXISTS sluice");
  if (!made.ok()) return refused(made.error());
  for (const std::span<const char* const> tables : {std::span<const char* const>(kTables), std::span<const char* const>(kKeptCopyTables)})
    for (const char* const table : tables) {
      made = connection.Execute(table);
      if (!made.ok()) return refused(made.error());
    }
  return Ok();
}

Status ReadTableStates(PgConnection& connection, OpenedBookkeeping& opened) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT namespace, name, held_code, held_oid, held_reason, held_lsn, oid, copy_lsn, caught_up_lsn, columns, fingerprint"
                                      " FROM sluice.table_state WHERE held_code IS NOT NULL OR state = 'copied'"));
  for (int i = 0; i < PQntuples(rows.get()); ++i) {
    const TableName name{std::string(Field(rows, i, 0)), std::string(Field(rows, i, 1))};
    if (!IsNull(rows, i, 2)) {
      HeldTable& held = opened.held_tables[name];
      held = {ParseNumber<Oid>(Field(rows, i, 3)), ParseNumber<int>(Field(rows, i, 2)), std::string(Field(rows, i, 4)), {}};
      if (!IsNull(rows, i, 5)) {
        ASSIGN_OR_RETURN(held.lsn, ParseLsn(Field(rows, i, 5)));
      }
      continue;
    }
    CopiedTable& copied = opened.copied_tables[name];
    copied.oid = ParseNumber<Oid>(Field(rows, i, 6));
    ASSIGN_OR_RETURN(copied.copy_lsn, ParseLsn(Field(rows, i, 7)));
    opened.columns[name] = ColumnNamesOf(Field(rows, i, 9));
    copied.fingerprint = Field(rows, i, 10);
    if (IsNull(rows, i, 8)) continue;
    // Also where the bookmark is not beyond it: the next commit says that the table has caught up.
    ASSIGN_OR_RETURN(copied.catching_up_from, ParseLsn(Field(rows, i, 8)));
  }
  return Ok();
}

Status RefuseOtherSource(const Bookmark& bookmark, const LogIdentity& source) {
  const LogIdentity& log = bookmark.position.log;
  // A new timeline of the same server is for the source's guards to judge, by its history.
  if (log.system_identifier == source.system_identifier && log.database == source.database && log.slot == source.slot)
    return Ok();
  return Error{ErrorKind::kNeedsOperator,
               fmt::format("the replica follows system {} database {} slot {}, but the source is system {} "
                           "database {} slot {}",
                           log.system_identifier, log.database, log.slot, source.system_identifier,
                           source.database, source.slot),
               slu::kReplicaOtherSource};
}

}  // namespace

const char* const kGuardedMoveBookmark =
    "WITH moved AS (" SLUICE_SET_BOOKMARK " RETURNING 1) SELECT 1 / pg_catalog.count(*) FROM moved";

std::vector<std::string> BookmarkParameters(const Position& position, Timestamp source_time, uint64_t epoch) {
  return {std::to_string(position.log.system_identifier),
          std::to_string(position.log.timeline),
          position.log.database,
          position.log.slot,
          ToString(position.lsn),
          std::to_string(source_time.time_since_epoch().count()),
          std::to_string(epoch)};
}

Result<std::optional<Bookmark>> ReadBookmark(PgConnection& connection) {
  ASSIGN_OR_RETURN(const PgResult row, connection.Execute(kReadBookmark));
  if (PQntuples(row.get()) != 1 || IsNull(row, 0, 5)) return std::optional<Bookmark>();
  Bookmark bookmark;
  bookmark.epoch = ParseNumber<uint64_t>(Field(row, 0, 0));
  bookmark.position.log.system_identifier = ParseNumber<uint64_t>(Field(row, 0, 1));
  bookmark.position.log.timeline = ParseNumber<uint32_t>(Field(row, 0, 2));
  bookmark.position.log.database = Field(row, 0, 3);
  bookmark.position.log.slot = Field(row, 0, 4);
  ASSIGN_OR_RETURN(bookmark.position.lsn, ParseLsn(Field(row, 0, 5)));
  bookmark.source_time = Timestamp(std::chrono::microseconds(ParseNumber<int64_t>(Field(row, 0, 6))));
  return std::optional<Bookmark>(bookmark);
}

Result<OpenedBookkeeping> OpenBookkeeping(PgConnection& connection, const LogIdentity& source) {
  RETURN_IF_ERROR(connection.Execute("BEGIN"));
  RETURN_IF_ERROR(EnsureTables(connection));
  RETURN_IF_ERROR(connection.Execute("INSERT INTO sluice.bookmark (epoch) VALUES (0) ON CONFLICT DO NOTHING"));
  OpenedBookkeeping opened;
  RETURN_IF_ERROR(connection.Execute("SELECT epoch FROM sluice.bookmark FOR UPDATE"));
  ASSIGN_OR_RETURN(opened.bookmark, ReadBookmark(connection));
  if (opened.bookmark) RETURN_IF_ERROR(RefuseOtherSource(*opened.bookmark, source));
  ASSIGN_OR_RETURN(const std::string epoch,
                   connection.QueryValue("UPDATE sluice.bookmark SET epoch = epoch + 1 RETURNING epoch"));
  opened.epoch = ParseNumber<uint64_t>(epoch);
  if (opened.bookmark) opened.bookmark->epoch = opened.epoch;
  RETURN_IF_ERROR(ReadTableStates(connection, opened));
  ASSIGN_OR_RETURN(opened.kept_copies, ReadKeptCopies(connection));
  SLUICE_FAILPOINT("replica.open_before_epoch");
  RETURN_IF_ERROR(connection.Execute("COMMIT"));
  return opened;
}

Status MoveBookmark(PgConnection& connection, const Position& position, Timestamp source_time, uint64_t epoch) {
  ASSIGN_OR_RETURN(const PgResult moved,
                   connection.Execute(kMoveBookmark, Optional(BookmarkParameters(position, source_time, epoch))));
  if (std::string_view(PQcmdTuples(moved.get())) != "1") return Fenced();
  return Ok();
}

Status StartBookmark(PgConnection& connection, const Position& position, Timestamp source_time, uint64_t epoch) {
  ASSIGN_OR_RETURN(const PgResult mine,
                   connection.Execute("SELECT lsn IS NULL FROM sluice.bookmark WHERE epoch = $1::text::int8 FOR UPDATE",
                                      {std::to_string(epoch)}));
  if (PQntuples(mine.get()) != 1) return Fenced();
  if (Field(mine, 0, 0) == "t") return MoveBookmark(connection, position, source_time, epoch);
  return Ok();
}

Status CheckEpoch(PgConnection& connection, uint64_t epoch) {
  ASSIGN_OR_RETURN(const PgResult mine,
                   connection.Execute("SELECT 1 FROM sluice.bookmark WHERE epoch = $1::text::int8 FOR UPDATE",
                                      {std::to_string(epoch)}));
  return PQntuples(mine.get()) == 1 ? Status() : Fenced();
}

Result<std::optional<TableOrigin>> FindOrigin(PgConnection& connection, const TableName& table) {
  ASSIGN_OR_RETURN(const PgResult row,
                   connection.Execute("SELECT made_by_us, filled, state = 'copied' AND held_code IS NULL FROM sluice.table_state"
                                      " WHERE namespace = $1 AND name = $2 AND state <> 'none'",
                                      {table.name_space, table.name}));
  if (PQntuples(row.get()) == 0) return std::optional<TableOrigin>();
  return std::optional(TableOrigin{Field(row, 0, 0) == "t", Field(row, 0, 1) == "t", Field(row, 0, 2) == "t"});
}

Status RecordPreparing(PgConnection& connection, const TableName& table, const TableOrigin& origin) {
  const auto recorded = connection.Execute(
      "INSERT INTO sluice.table_state (namespace, name, state, made_by_us, filled)"
      " VALUES ($1, $2, 'preparing', $3::text::bool, $4::text::bool) ON CONFLICT (namespace, name) DO UPDATE"
      " SET state = 'preparing', made_by_us = excluded.made_by_us, filled = excluded.filled, changed_at = pg_catalog.now()",
      {table.name_space, table.name, origin.made_by_us ? "true" : "false", origin.filled ? "true" : "false"});
  return recorded.ok() ? Status() : recorded.error();
}

Status RecordCopied(PgConnection& connection, const TableName& table, const CopiedTable& copied, const ColumnNames& columns) {
  const auto recorded = connection.Execute(
      "INSERT INTO sluice.table_state (namespace, name, state, filled, oid, copy_lsn, caught_up_lsn, columns, fingerprint)"
      " VALUES ($1, $2, 'copied', true, $3::text::oid, $4::text::pg_lsn, $5::text::pg_lsn, $6::text::jsonb, $7) ON CONFLICT (namespace, name) DO UPDATE"
      " SET state = 'copied', filled = true, oid = excluded.oid, copy_lsn = excluded.copy_lsn, caught_up_lsn = excluded.caught_up_lsn,"
      " columns = excluded.columns, fingerprint = excluded.fingerprint, held_code = NULL, held_oid = NULL, held_reason = NULL, held_lsn = NULL, changed_at = pg_catalog.now()",
      {table.name_space, table.name, std::to_string(copied.oid), ToString(copied.copy_lsn),
       copied.catching_up_from ? std::optional(ToString(*copied.catching_up_from)) : std::nullopt, ToJson(columns), copied.fingerprint});
  return recorded.ok() ? Status() : recorded.error();
}

Status RecordColumns(PgConnection& connection, const TableName& table, const ColumnNames& columns) {
  const auto recorded = connection.Execute("UPDATE sluice.table_state SET columns = $3::text::jsonb WHERE namespace = $1 AND name = $2",
                                           {table.name_space, table.name, ToJson(columns)});
  return recorded.ok() ? Status() : recorded.error();
}

Status RecordFingerprint(PgConnection& connection, const TableName& table, const std::string& fingerprint) {
  const auto recorded = connection.Execute("UPDATE sluice.table_state SET fingerprint = $3 WHERE namespace = $1 AND name = $2",
                                           {table.name_space, table.name, fingerprint});
  return recorded.ok() ? Status() : recorded.error();
}

Status RecordCaughtUp(PgConnection& connection, const std::vector<TableName>& tables, const std::optional<Lsn>& up_to) {
  for (const TableName& table : tables)
    RETURN_IF_ERROR(connection.Execute("UPDATE sluice.table_state SET caught_up_lsn = $3::text::pg_lsn WHERE namespace = $1 AND name = $2",
                                       {table.name_space, table.name, up_to ? std::optional(ToString(*up_to)) : std::nullopt}));
  return Ok();
}

Status RecordHeld(PgConnection& connection, const TableName& table, const HeldTable& why) {
  const auto recorded = connection.Execute(
      "INSERT INTO sluice.table_state (namespace, name, state, held_code, held_oid, held_reason, held_lsn)"
      " VALUES ($1, $2, 'none', $3::text::int4, $4::text::oid, $5, $6::text::pg_lsn) ON CONFLICT (namespace, name) DO UPDATE"
      " SET held_code = excluded.held_code, held_oid = excluded.held_oid, held_reason = excluded.held_reason,"
      " held_lsn = excluded.held_lsn, caught_up_lsn = NULL, changed_at = pg_catalog.now()",
      {table.name_space, table.name, std::to_string(why.code), std::to_string(why.oid), why.reason,
       why.lsn.valid() ? std::optional(ToString(why.lsn)) : std::nullopt});
  return recorded.ok() ? Status() : recorded.error();
}

Status ForgetCopy(PgConnection& connection, const TableName& table) {
  RETURN_IF_ERROR(ForgetKeptCopy(connection, table));
  for (const char* sql : {"DELETE FROM sluice.table_state WHERE namespace = $1 AND name = $2 AND state = 'none'",
                          "UPDATE sluice.table_state SET state = 'preparing', caught_up_lsn = NULL, held_code = NULL, held_oid = NULL,"
                          " held_reason = NULL, held_lsn = NULL, changed_at = pg_catalog.now() WHERE namespace = $1 AND name = $2"})
    RETURN_IF_ERROR(connection.Execute(sql, {table.name_space, table.name}));
  return Ok();
}

Status ForgetBookmark(PgConnection& connection) {
  const auto done = connection.Execute("UPDATE sluice.bookmark SET system_identifier = NULL, timeline = NULL, database = NULL, slot = NULL, lsn = NULL,"
                                       " source_time = NULL, committed_at = NULL");
  return done.ok() ? Status() : done.error();
}

Status ForgetTable(PgConnection& connection, const TableName& table) {
  const auto done = connection.Execute("DELETE FROM sluice.table_state WHERE namespace = $1 AND name = $2", {table.name_space, table.name});
  return done.ok() ? Status() : done.error();
}

}  // namespace sluice
