#include "sink/replica/replica_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "change/table_error.h"
#include "observability/errors/replica_codes.h"
#include "observability/errors/verify_codes.h"
#include "observability/log.h"
#include "sink/replica/bookkeeping.h"
#include "sink/replica/create_table.h"
#include "sink/replica/finish_table.h"
#include "sink/replica/follow_definition.h"
#include "sink/replica/kept_copies.h"
#include "sink/replica/refill.h"
#include "sink/replica/repair.h"
#include "sink/replica/replica_view.h"
#include "sink/replica/sequences.h"

namespace sluice {
namespace {

// Enough to fill a COPY, little enough that a transaction of any size passes through.
constexpr size_t kApplyBytes = 16 << 20;
// Locks of one transaction: each table takes several, and a server keeps 6,400 by default.
constexpr size_t kTablesPerTransaction = 100;
constexpr int kIndexConnections = 4;
constexpr size_t kSchemasKept = 4096;

bool SameColumns(const TableSchema& a, const TableSchema& b) {
  if (a.columns.size() != b.columns.size() || a.key != b.key || a.oid != b.oid ||
      a.replica_identity != b.replica_identity)
    return false;
  for (size_t i = 0; i < a.columns.size(); ++i) {
    const Column& x = a.columns[i];
    const Column& y = b.columns[i];
    if (x.name != y.name || x.attribute_number != y.attribute_number || x.not_null != y.not_null || x.typmod != y.typmod || x.type->oid != y.type->oid || x.type->has_binary != y.type->has_binary)
      return false;
  }
  return true;
}

// Whether the stream that these changes came by is text: one value of a type that has a binary form tells.
bool IsTextStream(const DestinationTable& table, const std::vector<RowChange>& changes) {
  for (const RowChange& change : changes) {
    TupleReader reader(change.new_tuple != nullptr ? change.new_tuple : change.old_tuple);
    for (const DestinationColumn& column : table.columns) {
      const ValueKind kind = reader.Next().kind;
      if (!column.as_text && kind == ValueKind::kBinary) return false;
      if (!column.as_text && kind == ValueKind::kText) return true;
    }
  }
  return false;
}

}  // namespace

ReplicaSink::ReplicaSink(const ReplicaConfig& config, ReplicaSession session)
    : config_(config), session_(std::move(session)), types_(session_.connection), applier_(session_), analyzer_(config.dsn) {}

Result<std::unique_ptr<Sink>> ReplicaSink::Open(const ReplicaConfig& config, const LogIdentity& source_log) {
  ASSIGN_OR_RETURN(ReplicaSession session, OpenReplicaSession(config.dsn, "sluice apply"));
  RETURN_IF_ERROR(RefuseSameDatabase(session.connection, source_log));
  if (!session.replica_role)
    log::Warn("replica", "replica.no_replica_role",
              "may not set session_replication_role, so the replica's own triggers and foreign keys fire",
              {{"fix", "GRANT SET ON PARAMETER session_replication_role TO …"}});
  std::unique_ptr<ReplicaSink> sink(new ReplicaSink(config, std::move(session)));
  ASSIGN_OR_RETURN(OpenedBookkeeping opened, OpenBookkeeping(sink->session_.connection, source_log));
  sink->epoch_ = opened.epoch;
  sink->bookmark_ = std::move(opened.bookmark);
  sink->copied_tables_ = std::move(opened.copied_tables);
  sink->held_tables_ = std::move(opened.held_tables);
  sink->kept_copies_ = std::move(opened.kept_copies);
  sink->columns_ = std::move(opened.columns);
  sink->analyzer_.Wake();  // A process before may have ended too early for it.
  return std::unique_ptr<Sink>(std::move(sink));
}

Result<std::unique_ptr<Sink>> ReplicaSink::OpenBeside() {
  ASSIGN_OR_RETURN(ReplicaSession session, OpenReplicaSession(config_.dsn, "sluice copy"));
  std::unique_ptr<ReplicaSink> sink(new ReplicaSink(config_, std::move(session)));
  sink->epoch_ = epoch_;
  sink->bookmark_ = bookmark_;
  sink->kept_copies_ = kept_copies_;
  return std::unique_ptr<Sink>(std::move(sink));
}

Status ReplicaSink::InTransaction(const std::function<Status()>& work) {
  RETURN_IF_ERROR(session_.connection.Execute("BEGIN"));
  RETURN_IF_ERROR(CheckEpoch(session_.connection, epoch_));
  Status done = work();
  if (!done.ok()) {
    if (done.error().kind == ErrorKind::kNeedsOperator) RETURN_IF_ERROR(session_.connection.Execute("ROLLBACK"));
    return done;
  }
  const auto committed = session_.connection.Execute("COMMIT");
  return committed.ok() ? Status() : committed.error();
}

Status ReplicaSink::Hold(const TableName& table, const HeldTable& why) {
  RETURN_IF_ERROR(InTransaction([&] { return RecordHeld(session_.connection, table, why); }));
  copied_tables_.erase(table);
  held_tables_[table] = why;
  return Ok();
}

Status ReplicaSink::Forget(const TableName& table) {
  RETURN_IF_ERROR(InTransaction([&] { return ForgetCopy(session_.connection, table); }));
  copied_tables_.erase(table);
  held_tables_.erase(table);
  kept_copies_.erase(table);
  return Ok();
}

Status ReplicaSink::KeepCopies(const std::set<TableName>& tables) {
  const auto forgotten = [&](const auto& entry) { return !tables.contains(entry.first); };
  if (std::none_of(kept_copies_.begin(), kept_copies_.end(), forgotten)) return Ok();
  const Status done = InTransaction([&]() -> Status {
    for (const auto& entry : kept_copies_)
      if (forgotten(entry)) RETURN_IF_ERROR(ForgetKeptCopy(session_.connection, entry.first));
    return Ok();
  });
  if (!done.ok()) return done;
  std::erase_if(kept_copies_, forgotten);
  return Ok();
}

Status ReplicaSink::ForgetBookmark() {
  RETURN_IF_ERROR(InTransaction([&] { return sluice::ForgetBookmark(session_.connection); }));
  bookmark_.reset();
  return Ok();
}

Status ReplicaSink::Follow(const TableDefinition& table, FollowExtent extent) {
  const TableName& name = table.schema->name;
  const auto copied = copied_tables_.find(name);
  if (copied == copied_tables_.end()) return Ok();
  types_.Forget();
  // Types first and alone: no transaction may use a label that it has added.
  Status followed = InTransaction([&]() -> Status {
    for (const Column& column : table.schema->columns) RETURN_IF_ERROR(types_.Ensure(*column.type));
    return Ok();
  });
  if (followed.ok()) followed = InTransaction([&]() -> Status {
    ASSIGN_OR_RETURN(const auto origin, FindOrigin(session_.connection, name));
    RETURN_IF_ERROR(FollowDefinition(session_.connection, types_, table, columns_[name], copied->second.fingerprint, origin && origin->made_by_us, extent));
    if (extent == FollowExtent::kLoosen) return Ok();
    SLUICE_FAILPOINT("replica.before_follow_commit");
    return RecordColumns(session_.connection, name, NamesOf(*table.schema));
  });
  if (followed.ok() && extent == FollowExtent::kAll) followed = BuildAfterRows(config_.dsn, {table}, 1);
  types_.Forget();
  if (!followed.ok()) return followed.error().kind == ErrorKind::kNeedsOperator ? Status(About(name, std::move(followed).error())) : followed;
  if (extent == FollowExtent::kLoosen) return Ok();
  columns_[name] = NamesOf(*table.schema);
  const std::string fingerprint = ToText(table.fingerprint);
  RETURN_IF_ERROR(InTransaction([&] { return RecordFingerprint(session_.connection, name, fingerprint); }));
  copied->second.fingerprint = fingerprint;
  return Ok();
}

Result<ReplicaSession> ReplicaSink::TakeSession() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_sessions_.empty()) {
      ReplicaSession session = std::move(idle_sessions_.back());
      idle_sessions_.pop_back();
      return session;
    }
  }
  return OpenReplicaSession(config_.dsn, "sluice copy");
}

Status ReplicaSink::PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) {
  copy_point_ = point;
  ASSIGN_OR_RETURN(ReplicaSession session, OpenReplicaSession(config_.dsn, "sluice tables"));
  DestinationTypes types(session.connection);
  NeededObjects needed(session.connection, types);
  std::set<TableName> refilled;
  for (size_t at = 0; at < tables.size(); at += kTablesPerTransaction) {
    RETURN_IF_ERROR(session.connection.Execute("BEGIN"));
    RETURN_IF_ERROR(CheckEpoch(session.connection, epoch_));
    for (size_t i = at; i < std::min(tables.size(), at + kTablesPerTransaction); ++i) {
      const TableName& name = tables[i].schema->name;
      const auto place = kept_copies_.contains(name) ? PlaceOfCopy(session.connection, name) : PrepareTable(session.connection, types, needed, tables[i]);
      if (!place.ok()) return About(name, place.error());
      if (*place == CopyPlace::kBeside) refilled.insert(name);
      if (kept_copies_.contains(name)) {
        // What was made for it then may have been altered since. One of an identity may come with its column only at the end.
        for (const SequenceDefinition& sequence : tables[i].sequences) RETURN_IF_ERROR(AlterSequence(session.connection, sequence));
        continue;
      }
      const KeptCopy begun{point.position.log, tables[i].schema->oid, CopyFingerprint(tables[i]), {}, {}};
      RETURN_IF_ERROR(BeginKeptCopy(session.connection, name, begun, *place == CopyPlace::kBeside ? RefillName(*tables[i].schema) : name));
    }
    SLUICE_FAILPOINT("replica.before_prepare_commit");
    RETURN_IF_ERROR(session.connection.Execute("COMMIT"));
  }
  const std::lock_guard lock(mutex_);
  for (const TableDefinition& table : tables) {
    copied_tables_.erase(table.schema->name);
    copy_targets_.erase(table.schema->name);
    refilled_.erase(table.schema->name);
  }
  refilled_.merge(refilled);
  return Ok();
}

Result<std::shared_ptr<const DestinationTable>> ReplicaSink::CopyTarget(const TableDefinition& table) {
  TableName place = table.schema->name;
  {
    const std::lock_guard lock(mutex_);
    const auto known = copy_targets_.find(table.schema->name);
    if (known != copy_targets_.end()) return known->second;
    if (refilled_.contains(table.schema->name)) place = RefillName(*table.schema);
  }
  ASSIGN_OR_RETURN(ReplicaSession session, TakeSession());
  DestinationTypes types(session.connection);
  auto loaded = DestinationTable::LoadAt(session.connection, types, table.schema, place);
  if (!loaded.ok()) return About(table.schema->name, std::move(loaded).error());
  auto target = std::make_shared<const DestinationTable>(std::move(*loaded));
  const std::lock_guard lock(mutex_);
  idle_sessions_.push_back(std::move(session));
  return copy_targets_.emplace(table.schema->name, std::move(target)).first->second;
}

Result<std::unique_ptr<CopyWriter>> ReplicaSink::OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) {
  return OpenWriter(table, ReplicaCopyWriter::Purpose::kAddRows, range);
}

Status ReplicaSink::RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) {
  ASSIGN_OR_RETURN(const auto writer, OpenWriter(table, ReplicaCopyWriter::Purpose::kRemoveRows, std::nullopt));
  RETURN_IF_ERROR(writer->Rows(keys, count));
  return writer->Finish();
}

// A process that was thought dead must not add rows to what another has found and goes on with.
Result<std::unique_ptr<CopyWriter>> ReplicaSink::OpenWriter(const TableDefinition& table, ReplicaCopyWriter::Purpose purpose,
                                                            const std::optional<BlockRange>& range) {
  ASSIGN_OR_RETURN(std::shared_ptr<const DestinationTable> target, CopyTarget(table));
  ASSIGN_OR_RETURN(ReplicaSession session, TakeSession());
  const auto before_commit = [this, name = table.schema->name, range](PgConnection& connection) -> Status {
    RETURN_IF_ERROR(CheckEpoch(connection, epoch_));
    return range ? RecordKeptRange(connection, name, *range, copy_point_.position.lsn) : Ok();
  };
  const auto give_back = [this](ReplicaSession idle) {
    const std::lock_guard lock(mutex_);
    idle_sessions_.push_back(std::move(idle));
  };
  ASSIGN_OR_RETURN(std::unique_ptr<ReplicaCopyWriter> writer, ReplicaCopyWriter::Open(std::move(session), std::move(target), purpose, {before_commit, give_back}));
  return std::unique_ptr<CopyWriter>(std::move(writer));
}

Status ReplicaSink::FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position,
                                 Timestamp source_time) {
  std::vector<TableDefinition> fresh, refilled;
  {
    const std::lock_guard lock(mutex_);
    for (const TableDefinition& table : tables) (refilled_.contains(table.schema->name) ? refilled : fresh).push_back(table);
  }
  RETURN_IF_ERROR(BuildAfterRows(config_.dsn, fresh, kIndexConnections));
  ASSIGN_OR_RETURN(ReplicaSession session, OpenReplicaSession(config_.dsn, "sluice tables"));
  PgConnection& connection = session.connection;
  DestinationTypes types(connection);
  SLUICE_FAILPOINT("replica.before_finish");
  RETURN_IF_ERROR(connection.Execute("BEGIN"));
  for (const TableDefinition& table : refilled) {
    Status merged = MergeRefill(connection, types, table);
    if (!merged.ok()) {
      Error error = std::move(merged).error();
      if (error.code == 0) error.code = slu::kReplicaTableUndone;
      return About(table.schema->name, std::move(error));
    }
  }
  // Locks the bookmark, for which the stream would wait as long as a merge takes.
  RETURN_IF_ERROR(StartBookmark(connection, copy_position, source_time, epoch_));
  for (const TableDefinition& table : tables) {
    for (const SequenceDefinition& sequence : table.sequences) {
      ASSIGN_OR_RETURN(const Refusal refusal, AdvanceSequence(connection, sequence));
      if (refusal) LogLeftOut(table.schema->name, "value of sequence " + ToString(sequence.name), RefusedBecause(*refusal));
    }
    CopiedTable copied{table.schema->oid, copy_position.lsn, {}, ToText(table.fingerprint)};
    if (bookmark_) copied.catching_up_from = copy_position.lsn;
    RETURN_IF_ERROR(RecordCopied(connection, table.schema->name, copied, NamesOf(*table.schema)));
    RETURN_IF_ERROR(ForgetKeptCopy(connection, table.schema->name));
  }
  SLUICE_FAILPOINT("replica.before_finish_commit");
  const auto committed = connection.Execute("COMMIT");
  if (!committed.ok()) {
    Error error = committed.error();
    if (PQstatus(connection.get()) == CONNECTION_BAD) error.kind = ErrorKind::kOutcomeUnknown;
    return error;
  }
  SLUICE_FAILPOINT("replica.after_finish_commit");
  // What the source has got since: keys, constraints and indexes that the table lacks.
  RETURN_IF_ERROR(BuildAfterRows(config_.dsn, refilled, kIndexConnections));
  analyzer_.Wake();
  for (const TableDefinition& table : tables) {
    copied_tables_[table.schema->name] = CopiedTable{table.schema->oid, copy_position.lsn, {}, ToText(table.fingerprint)};
    columns_[table.schema->name] = NamesOf(*table.schema);
    tables_.erase(table.schema->name);
  }
  by_schema_.clear();
  known_schemas_.clear();
  if (!bookmark_) bookmark_ = Bookmark{copy_position, epoch_, source_time};
  return Ok();
}

Result<ReplicaSink::TableState*> ReplicaSink::StateOf(const TableSchemaPtr& schema) {
  if (const auto known = by_schema_.find(schema.get()); known != by_schema_.end()) return known->second;
  const auto copied = copied_tables_.find(schema->name);
  TableState* state = nullptr;
  if (copied == copied_tables_.end() || (schema->oid != 0 && copied->second.oid != 0 && schema->oid != copied->second.oid)) {
    if (skipped_.insert(schema->name).second)
      log::Info("replica", "replica.not_copied", "changes of a table without a complete copy are skipped",
                {{"table", ToString(schema->name)}});
  } else {
    auto loaded = LoadState(schema);
    if (!loaded.ok()) return About(schema->name, std::move(loaded).error());
    state = *loaded;
  }
  if (known_schemas_.size() >= kSchemasKept) {
    by_schema_.clear();
    known_schemas_.clear();
  }
  known_schemas_.push_back(schema);
  by_schema_[schema.get()] = state;
  return state;
}

Result<ReplicaSink::TableState*> ReplicaSink::LoadState(const TableSchemaPtr& schema) {
  std::unique_ptr<TableState>& slot = tables_[schema->name];
  if (!slot) slot = std::make_unique<TableState>();
  TableState* const state = slot.get();
  state->copied = &copied_tables_.at(schema->name);
  if (state->schema && SameColumns(*state->schema, *schema)) return state;
  // What was collected belongs to the columns before, so it goes first.
  if (state->listed) {
    ASSIGN_OR_RETURN(const std::vector<TableEffect> effects, TakeEffects());
    RETURN_IF_ERROR(applier_.Apply(effects, nullptr));
    ClearActive();
  }
  RETURN_IF_ERROR(FollowStreamedColumns(*schema));
  ASSIGN_OR_RETURN(DestinationTable loaded, DestinationTable::LoadAt(session_.connection, types_, schema, schema->name));
  state->destination = std::make_unique<DestinationTable>(std::move(loaded));
  state->text_destination.reset();
  state->net = schema->has_key() ? std::make_unique<NetEffect>(*schema) : nullptr;
  state->schema = schema;
  return state;
}

// In the transaction of the rows that come with these columns, so that a crash undoes both.
Status ReplicaSink::FollowStreamedColumns(const TableSchema& schema) {
  ColumnNames& known = columns_[schema.name];
  const std::optional<TableSchema> numbered = NumberColumns(schema, known);
  if (!numbered)
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: a column's name stands for another column now", ToString(schema.name)), slu::kReplicaSchemaChanged};
  ASSIGN_OR_RETURN(const bool changed, FollowColumns(session_.connection, types_, *numbered, known, [this] { return applier_.EnsureBegun(); }));
  if (!changed) return Ok();
  ColumnNames names = NamesOf(*numbered);
  RETURN_IF_ERROR(RecordColumns(session_.connection, schema.name, names));
  SLUICE_FAILPOINT("replica.columns_followed");
  known = std::move(names);
  return Ok();
}

bool ReplicaSink::Wants(const Transaction& transaction, const CopiedTable& table) const {
  return TakesTransaction(table, transaction.commit_lsn, transaction.end_lsn, bookmark_ ? bookmark_->position.lsn : Lsn{});
}

Status ReplicaSink::CollectTransaction(const ChangeBatch& batch, const Transaction& transaction) {
  for (size_t i = 0; i < transaction.change_count; ++i) {
    const Change& change = batch.changes[transaction.first_change + i];
    // A table with two shapes in one batch has two entries: the state must be that of this change.
    const TableSchemaPtr& schema = batch.tables[change.table];
    const auto copied = by_schema_.contains(schema.get()) ? copied_tables_.end() : copied_tables_.find(schema->name);
    // Rows from before a change of columns that the replica has followed already are not looked at.
    if (copied != copied_tables_.end() && !Wants(transaction, copied->second)) continue;
    ASSIGN_OR_RETURN(TableState* const state, StateOf(schema));
    if (state == nullptr || !Wants(transaction, *state->copied)) continue;
    if (state->schema != schema && !SameColumns(*state->schema, *schema)) {
      by_schema_.erase(schema.get());
      RETURN_IF_ERROR(StateOf(schema));
    }
    if (!state->listed) {
      state->listed = true;
      active_.push_back(state);
    }
    if (change.operation == Operation::kTruncate) {
      state->changes.clear();
      state->others = 0;
      state->truncated = true;
      continue;
    }
    if (change.operation != Operation::kInsert) ++state->others;
    state->changes.push_back({change.operation, change.old_kind,
                              change.old_kind == OldTuple::kNone ? nullptr : batch.old_tuple(change),
                              change.operation == Operation::kDelete ? nullptr : batch.new_tuple(change)});
  }
  return Ok();
}

Status ReplicaSink::Collect(const ChangeBatch& batch) {
  // Sources may send twice.
  const Lsn done = bookmark_ ? ResumeLsn(bookmark_->position.lsn, copied_tables_) : Lsn{};
  for (const Transaction& transaction : batch.transactions) {
    if (transaction.end_lsn <= done) continue;
    RETURN_IF_ERROR(CollectTransaction(batch, transaction));
  }
  return Ok();
}

Result<std::vector<TableEffect>> ReplicaSink::TakeEffects() {
  std::vector<TableEffect> effects;
  effects.reserve(active_.size());
  for (TableState* const state : active_) {
    TableEffect& effect = effects.emplace_back();
    effect.table = state->destination.get();
    if (IsTextStream(*effect.table, state->changes)) {
      if (!state->text_destination) state->text_destination = std::make_unique<DestinationTable>(effect.table->AsText());
      effect.table = state->text_destination.get();
    }
    effect.truncate = state->truncated;
    if (state->others == 0) {
      effect.inserts.reserve(state->changes.size());
      for (const RowChange& change : state->changes) effect.inserts.push_back(change.new_tuple);
      continue;
    }
    if (!state->net) {
      effect.in_order = state->changes;
      continue;
    }
    NetEffect& net = *state->net;
    net.Clear();
    if (state->truncated) net.Truncate();
    for (const RowChange& change : state->changes) {
      const Status added = net.Add(change);
      if (added.ok()) continue;
      Error error = added.error();
      error.message = fmt::format("table {}: {}", ToString(state->schema->name), error.message);
      return About(state->schema->name, std::move(error));
    }
    net.Finish();
    effect.keys_collide = net.keys_collide();
    for (const NetRow& row : net.rows()) {
      if (row.existed && row.alive) effect.updates.push_back(&row);
      if (row.existed && !row.alive) effect.deletes.push_back(&row);
      if (!row.existed && row.alive) effect.inserts.push_back(row.tuple);
    }
  }
  return effects;
}

void ReplicaSink::ClearActive() {
  for (TableState* const state : active_) {
    state->changes.clear();
    state->others = 0;
    state->truncated = false;
    state->listed = false;
    if (state->net) state->net->Clear();
  }
  active_.clear();
}

Status ReplicaSink::ApplyStaged(const CommitPoint* commit) {
  for (const ChangeBatchPtr& batch : staged_) RETURN_IF_ERROR(Collect(*batch));
  ASSIGN_OR_RETURN(const std::vector<TableEffect> effects, TakeEffects());
  if (commit != nullptr || !effects.empty()) RETURN_IF_ERROR(applier_.Apply(effects, commit));
  ClearActive();
  staged_.clear();
  staged_bytes_ = 0;
  return Ok();
}

Status ReplicaSink::Write(ChangeBatchPtr batch) {
  staged_bytes_ += batch->size_bytes();
  staged_.push_back(std::move(batch));
  SLUICE_FAILPOINT("replica.write");
  if (staged_bytes_ < std::min<size_t>(kApplyBytes, config_.commit_bytes_max)) return Ok();
  return ApplyStaged(nullptr);
}

Status ReplicaSink::Commit(const Position& position, Timestamp source_time) {
  // A position that the bookmark has passed moves only the tables that catch up.
  const bool behind = bookmark_ && position.lsn < bookmark_->position.lsn;
  CommitPoint commit{behind ? bookmark_->position : position, source_time, epoch_};
  if (bookmark_) commit.source_time = std::max(commit.source_time, bookmark_->source_time);
  for (const auto& [name, table] : copied_tables_)
    if (table.catching_up_from && (!behind || *table.catching_up_from < position.lsn)) commit.catching_up.push_back(name);
  if (behind) commit.caught_up_to = position.lsn;
  RETURN_IF_ERROR(ApplyStaged(&commit));
  bookmark_ = Bookmark{commit.position, epoch_, commit.source_time};
  for (const TableName& table : commit.catching_up) copied_tables_.at(table).catching_up_from = commit.caught_up_to;
  return Ok();
}

void ReplicaSink::LetGo() {
  PgConnection& connection = session_.connection;
  if (PQtransactionStatus(connection.get()) == PQTRANS_ACTIVE) connection.Cancel();
  const PGTransactionStatusType status = PQtransactionStatus(connection.get());
  if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR) static_cast<void>(connection.Execute("ROLLBACK").ok());
}

Status ReplicaSink::Repair(std::span<const RowRepair> repairs) {
  SLUICE_CHECK(staged_.empty());
  RETURN_IF_ERROR(applier_.Begin());
  for (const RowRepair& repair : repairs) {
    Status repaired = RepairRows(session_.connection, repair);
    if (repaired.ok()) continue;
    RETURN_IF_ERROR(applier_.Rollback());
    const bool refused = repaired.error().kind == ErrorKind::kNeedsOperator;
    Error error = std::move(repaired).error();
    error.message = fmt::format("table {} of the replica: {}", ToString(repair.schema->name), error.message);
    if (refused) error.code = slu::kRepairRefused;
    return error;
  }
  SLUICE_FAILPOINT("replica.repaired");
  return Ok();
}

Result<std::unique_ptr<SinkView>> ReplicaSink::View() { return ReplicaView::Open(config_.dsn, bookmark_); }

}  // namespace sluice
