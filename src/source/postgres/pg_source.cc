#include "source/postgres/pg_source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/failpoint.h"
#include "observability/errors/source_codes.h"
#include "observability/log.h"
#include "postgres/quote.h"
#include "source/postgres/catalog.h"
#include "source/postgres/catalog_rows.h"
#include "source/postgres/pg_change_stream.h"
#include "source/postgres/pg_initial_copy.h"
#include "source/postgres/publication.h"
#include "source/postgres/replication_connection.h"
#include "source/postgres/slot.h"
#include "source/postgres/table_pattern.h"

namespace sluice {
namespace {

// An open transaction holds up the making of a slot; longer than this somebody should know.
constexpr std::chrono::seconds kSlotWaitMax{60};
// A reader that we closed is noticed at once, one whose machine died after wal_sender_timeout.
constexpr int kDropAttempts = 20;
constexpr int kCatalogAttempts = 10;
constexpr std::chrono::milliseconds kDropPause{250};

Status CheckServer(PgConnection& connection) {
  const int version = connection.server_version();
  if (version < 140000 || version >= 190000)
    return Error{ErrorKind::kNeedsOperator, fmt::format("the source is PostgreSQL {}", version / 10000), slu::kSourceVersion};
  ASSIGN_OR_RETURN(const PgResult facts, connection.Execute("SELECT current_setting('wal_level'), pg_is_in_recovery()"));
  if (BoolAt(facts, 0, 1)) return Error{ErrorKind::kNeedsOperator, "the source is a standby", slu::kSourceStandby};
  if (Field(facts, 0, 0) != "logical")
    return Error{ErrorKind::kNeedsOperator, fmt::format("the source has wal_level = {}", Field(facts, 0, 0)), slu::kWalLevel};
  return Ok();
}

/// One consistent view of the catalog, which does not wait long behind DDL.
template <class Read>
auto InCatalogTransaction(PgConnection& connection, const Read& read) -> decltype(read()) {
  for (const char* const sql : {"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL lock_timeout = '10s'"}) {
    const auto done = connection.Execute(sql);
    if (!done.ok()) return done.error();
  }
  auto result = read();
  const auto ended = connection.Execute(result.ok() ? "COMMIT" : "ROLLBACK");
  if (result.ok() && !ended.ok()) return ended.error();
  return result;
}

// PostgreSQL's own functions look at the catalog of now, whatever the snapshot: what was dropped meanwhile they miss.
bool DroppedMeanwhile(const Error& error) {
  return error.evidence.find("cache lookup failed") != std::string::npos || error.evidence.find("could not open relation") != std::string::npos;
}

}  // namespace

Result<std::unique_ptr<PgSource>> PgSource::Connect(const SourceConfig& config, const PipelineConfig& pipeline, std::string spill_folder) {
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(config.dsn));
  RETURN_IF_ERROR(CheckServer(connection));
  ASSIGN_OR_RETURN(ReplicationConnection replication, ReplicationConnection::Connect(config.dsn, "sluice"));
  ASSIGN_OR_RETURN(const SystemIdentity identity, replication.Identify());
  ASSIGN_OR_RETURN(std::vector<TimelineSwitch> timelines_left, replication.ReadTimelinesLeft(identity.timeline));
  std::unique_ptr<PgSource> source(new PgSource(config, pipeline, std::move(spill_folder), std::move(connection)));
  source->identity_ = {identity.system_identifier, identity.timeline, identity.database, config.slot};
  source->timelines_left_ = std::move(timelines_left);
  return source;
}

Result<SourceLog> PgSource::ReadLog() {
  RETURN_IF_ERROR(EnsureConnected());
  ASSIGN_OR_RETURN(const std::string end, connection_.QueryValue("SELECT pg_current_wal_insert_lsn()"));
  ASSIGN_OR_RETURN(const Lsn lsn, ParseLsn(end));
  return SourceLog{identity_, lsn, timelines_left_};
}

// The stream may be well for weeks after this session was cut.
Status PgSource::EnsureConnected() {
  if (PQstatus(connection_.get()) == CONNECTION_OK) return Ok();
  ASSIGN_OR_RETURN(connection_, PgConnection::Connect(config_.dsn));
  return Ok();
}

Result<std::vector<TableDefinition>> PgSource::ReadTables() {
  RETURN_IF_ERROR(EnsureConnected());
  for (int attempt = 1;; ++attempt) {
    auto tables = ReadTablesOnce();
    if (tables.ok() || attempt == kCatalogAttempts || !DroppedMeanwhile(tables.error())) return tables;
  }
}

Result<std::vector<TableDefinition>> PgSource::ReadTablesOnce() {
  return InCatalogTransaction(connection_, [&]() -> Result<std::vector<TableDefinition>> {
    ASSIGN_OR_RETURN(std::vector<ListedTable> listed, ListTables(connection_));
    std::erase_if(listed, [&](const ListedTable& table) {
      if (!TakesTable(pipeline_.include, pipeline_.exclude, table.name)) return true;
      if (table.unlogged)
        log::Warn("source", "source.table_unlogged", "an unlogged table is left out: its changes are not in the log", {{"table", ToString(table.name)}});
      return table.unlogged;
    });
    return ReadDefinitions(connection_, listed, *schemas_);
  });
}

Status PgSource::EnsurePublication(const std::vector<TableDefinition>& tables) {
  if (tables.empty()) return Error{ErrorKind::kNeedsOperator, "no table matches the configuration", slu::kNoTables};
  ASSIGN_OR_RETURN(const std::vector<MissingIdentity> missing, FindMissingIdentities(connection_, tables));
  if (!missing.empty() && pipeline_.without_identity == WithoutIdentity::kRefuse) return NoIdentity(missing);
  const SplitTables split = SplitByIdentity(tables, missing);
  for (const TableDefinition& table : split.append_only)
    log::Warn("source", "source.append_only", "a table without row identity is followed append only: its updates and deletes are not published", {{"table", ToString(table.schema->name)}});
  // Into the one before out of the other, so that a table which changes sides is never unpublished.
  const std::string inserts = InsertsPublication(config_.publication);
  ASSIGN_OR_RETURN(const auto before, ReadPublication(connection_, inserts));
  std::vector<TableDefinition> leaving = split.append_only;
  for (const TableDefinition& table : split.whole)
    if (before && before->tables.contains(table.schema->name)) leaving.push_back(table);
  RETURN_IF_ERROR(MakePublication(connection_, inserts, PublishedOperations::kInserts, leaving));
  RETURN_IF_ERROR(MakePublication(connection_, config_.publication, PublishedOperations::kAll, split.whole));
  if (leaving.size() == split.append_only.size()) return Ok();
  return MakePublication(connection_, inserts, PublishedOperations::kInserts, split.append_only);
}

Result<std::set<TableName>> PgSource::PublishedTables() {
  RETURN_IF_ERROR(EnsureConnected());
  ASSIGN_OR_RETURN(const auto whole, ReadPublication(connection_, config_.publication));
  ASSIGN_OR_RETURN(const auto inserts, ReadPublication(connection_, InsertsPublication(config_.publication)));
  std::set<TableName> published = whole ? whole->tables : std::set<TableName>();
  if (inserts) published.insert(inserts->tables.begin(), inserts->tables.end());
  return published;
}

Result<std::optional<SlotState>> PgSource::FindSlot() {
  RETURN_IF_ERROR(EnsureConnected());
  ASSIGN_OR_RETURN(const std::optional<SlotFacts> slot, ReadSlot(connection_, config_.slot));
  return slot ? std::optional(slot->state) : std::nullopt;
}

Result<std::unique_ptr<InitialCopy>> PgSource::CreateSlotWithSnapshot() {
  ASSIGN_OR_RETURN(ReplicationConnection exporter, ReplicationConnection::Connect(config_.dsn, "sluice slot"));
  ASSIGN_OR_RETURN(const CreatedSlot slot, exporter.CreateSlot(config_.slot, /*temporary=*/false, connection_, kSlotWaitMax));
  ASSIGN_OR_RETURN(std::unique_ptr<PgInitialCopy> copy, PgInitialCopy::Open(config_.dsn, std::move(exporter), slot));
  return std::unique_ptr<InitialCopy>(std::move(copy));
}

Result<std::unique_ptr<InitialCopy>> PgSource::ExportSnapshot(std::chrono::milliseconds wait_max) {
  ASSIGN_OR_RETURN(ReplicationConnection exporter, ReplicationConnection::Connect(config_.dsn, "sluice snapshot"));
  // Temporary slots share their name space with all others: our own process id and session make it ours.
  const std::string name = fmt::format("sluice_tmp_{}_{}", ::getpid(), PQbackendPID(exporter.connection().get()));
  ASSIGN_OR_RETURN(const CreatedSlot slot, exporter.CreateSlot(name, /*temporary=*/true, connection_, wait_max));
  ASSIGN_OR_RETURN(std::unique_ptr<PgInitialCopy> copy, PgInitialCopy::Open(config_.dsn, std::move(exporter), slot));
  return std::unique_ptr<InitialCopy>(std::move(copy));
}

Result<std::unique_ptr<ChangeStream>> PgSource::OpenStream(Lsn resume_from) {
  ASSIGN_OR_RETURN(const std::vector<TableDefinition> tables, ReadTables());
  PgChangeStream::Options options{.database = identity_.database,
                                  .spill_folder = spill_folder_,
                                  .resume_from = resume_from,
                                  .binary = true,
                                  .limits = {.spill_after_bytes = config_.spill_after_bytes}};
  for (const TableDefinition& table : tables)
    for (const Column& column : table.schema->columns)
      if (column.type && BinaryStreamMisleads(*column.type)) {
        log::Info("source", "source.text_stream", "the stream is text instead of binary, because of a column's type",
                  {{"table", ToString(table.schema->name)}, {"column", column.name}, {"type", column.type->name}});
        options.binary = false;
      }
  ASSIGN_OR_RETURN(std::unique_ptr<PgChangeStream> stream, PgChangeStream::Open(config_, schemas_, options));
  return std::unique_ptr<ChangeStream>(std::move(stream));
}

Result<Lsn> PgSource::CurrentLsn() {
  RETURN_IF_ERROR(EnsureConnected());
  ASSIGN_OR_RETURN(const PgResult ends, connection_.Execute("SELECT pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()"));
  ASSIGN_OR_RETURN(const Lsn inserted, ParseLsn(Field(ends, 0, 0)));
  ASSIGN_OR_RETURN(const Lsn flushed, ParseLsn(Field(ends, 0, 1)));
  // Only what is on disk is streamed. The end of any transaction that wrote makes the server flush soon; a message
  // is one, so that a stream that waits for `inserted` does not wait for somebody else's commit.
  if (inserted > flushed) {
    const auto nudged = connection_.Execute("SELECT pg_logical_emit_message(false, 'sluice nudge', '')");
    if (!nudged.ok()) log::Debug("source", "source.nudge_refused", "the source refuses logical messages", {{"evidence", nudged.error().evidence}});
  }
  return inserted;
}

Result<Timestamp> PgSource::Now() {
  RETURN_IF_ERROR(EnsureConnected());
  ASSIGN_OR_RETURN(const PgResult now, connection_.Execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"));
  return Timestamp(std::chrono::microseconds(NumberAt<int64_t>(now, 0, 0)));
}

// Logical readers, we among them, are no standbys.
Result<std::optional<std::chrono::milliseconds>> PgSource::StandbyLag() {
  RETURN_IF_ERROR(EnsureConnected());
  ASSIGN_OR_RETURN(const PgResult lag, connection_.Execute(
      "SELECT (extract(epoch FROM max(s.replay_lag)) * 1000)::bigint FROM pg_stat_replication s"
      " WHERE NOT EXISTS (SELECT FROM pg_replication_slots r WHERE r.active_pid = s.pid AND r.slot_type = 'logical')"));
  if (IsNull(lag, 0, 0)) return std::optional<std::chrono::milliseconds>();
  return std::optional(std::chrono::milliseconds(NumberAt<int64_t>(lag, 0, 0)));
}

Status PgSource::DropSlot() {
  RETURN_IF_ERROR(EnsureConnected());
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(const std::optional<SlotFacts> slot, ReadSlot(connection_, config_.slot));
    if (!slot) return Ok();
    if (slot->plugin != "pgoutput" || slot->database != identity_.database)
      return Error{ErrorKind::kNeedsOperator, fmt::format("replication slot \"{}\" belongs to something else and was not dropped", config_.slot), slu::kSlotForeign};
    SLUICE_FAILPOINT("source.before_drop_slot");
    const auto dropped = connection_.Execute("SELECT pg_drop_replication_slot($1)", {config_.slot});
    if (dropped.ok()) continue;
    if (attempt == kDropAttempts) return SlotError(dropped.error(), config_.slot);
    std::this_thread::sleep_for(kDropPause);
  }
}

Status PgSource::DropSlotAndPublication() {
  RETURN_IF_ERROR(DropSlot());
  const std::string inserts = InsertsPublication(config_.publication);
  for (const std::string& name : {config_.publication, inserts}) {
    SLUICE_FAILPOINT("source.before_drop_publication");
    const auto dropped = connection_.Execute("DROP PUBLICATION IF EXISTS " + QuoteIdentifier(name));
    if (!dropped.ok()) return dropped.error();
  }
  ASSIGN_OR_RETURN(const PgResult left,
                   connection_.Execute("SELECT FROM pg_replication_slots WHERE slot_name = $1 UNION ALL SELECT FROM pg_publication WHERE pubname IN ($2, $3)",
                                       {config_.slot, config_.publication, inserts}));
  if (PQntuples(left.get()) > 0) return Error{ErrorKind::kUnavailable, "the replication slot or publication is still there after it was dropped"};
  return Ok();
}

}  // namespace sluice
