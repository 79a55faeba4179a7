#include "pipeline/testing/fake_world.h"

#include "change/row_text.h"
#include "change/server_hash.h"

namespace sluice::testing {
namespace {

TypePtr Int8() {
  static const TypePtr type = [] {
    auto made = std::make_shared<Type>();
    made->oid = 20;
    made->name_space = "pg_catalog";
    made->name = "int8";
    return made;
  }();
  return type;
}

TableDefinition Define(const std::string& name, Oid oid) {
  auto schema = std::make_shared<TableSchema>();
  schema->oid = oid;
  schema->name = Named(name);
  schema->columns = {{"id", 1, Int8(), -1, true}};
  schema->key = {0};
  TableDefinition table;
  table.schema = std::move(schema);
  table.columns.resize(1);
  table.primary_key = {0};
  table.leaves = {{oid, Named(name), 10, 81920, -1, 0, {}, false}};
  return table;
}

class FakeReader final : public InitialCopy::Reader {
 public:
  FakeReader(FakeLog& log, Lsn lsn) : log_(log), lsn_(lsn) {}

  Status Read(const TableDefinition& table, const CopyRange& range, RowReceiver& receiver) override {
    RETURN_IF_ERROR(log_.fail("read"));
    for (const int64_t row : log_.RowsAt(table.schema->name, lsn_)) {
      const bool first_range = range.first_block == 0;
      if ((row % 2 == 0) != first_range) continue;  // Two ranges: even and odd rows.
      RETURN_IF_ERROR(HandOver(row, receiver));
    }
    return Ok();
  }

  Status Hold(const TableDefinition&, size_t) override { return log_.fail("hold"); }

  Status Sum(const TableDefinition& table, const CopyRange& range, const RowForm&, const Buckets& buckets, std::stop_token,
             BucketSums& sums) override {
    RETURN_IF_ERROR(log_.fail("read"));
    SumUp(RowsOf(table, range), buckets, sums);
    return Ok();
  }
  Status Fetch(const TableDefinition& table, const CopyRange& range, const RowForm&, const Buckets& buckets, size_t,
               std::stop_token, std::vector<FetchedRow>& rows) override {
    RETURN_IF_ERROR(log_.fail("read"));
    FetchFrom(RowsOf(table, range), buckets, rows);
    return Ok();
  }
  Status FetchKeys(const TableDefinition& table, const RowForm&, const std::vector<std::vector<std::string>>& keys,
                   std::stop_token, std::vector<std::optional<FetchedRow>>& rows) override {
    RETURN_IF_ERROR(log_.fail("fetch_keys"));
    const RowSet all = log_.RowsAt(table.schema->name, lsn_);
    for (const auto& key : keys)
      rows.push_back(all.contains(std::stoll(key[0])) ? std::optional(FetchedRow{{key[0]}, 1}) : std::nullopt);
    return Ok();
  }

  Status ReadKeys(const TableDefinition&, const StreamedKeys& keys, std::stop_token, RowReceiver& receiver) override {
    for (const std::string& key : keys) RETURN_IF_ERROR(HandOver(KeyOf(key), receiver));
    return Ok();
  }
  Status ReadRowsOf(const TableDefinition& table, const StreamedKeys& keys, std::stop_token, RowReceiver& receiver) override {
    RETURN_IF_ERROR(log_.fail("read_rows_of"));
    const RowSet all = log_.RowsAt(table.schema->name, lsn_);
    for (const std::string& key : keys)
      if (all.contains(KeyOf(key))) RETURN_IF_ERROR(HandOver(KeyOf(key), receiver));
    return Ok();
  }

 private:
  static int64_t KeyOf(const std::string& key) { return LoadBigEndian<int64_t>(TupleReader(AsBytes(key).data()).Next().bytes.data()); }

  static Status HandOver(int64_t row, RowReceiver& receiver) {
    std::string bytes;
    AppendBigEndian<int16_t>(bytes, 1);
    AppendBigEndian<int32_t>(bytes, 8);
    AppendBigEndian<int64_t>(bytes, row);
    return receiver.Rows(AsBytes(bytes), 1);
  }

  RowSet RowsOf(const TableDefinition& table, const CopyRange& range) const {
    RowSet rows = log_.RowsAt(table.schema->name, lsn_);
    std::erase_if(rows, [&](int64_t row) { return (row % 2 == 0) != (range.first_block == 0); });
    return rows;
  }

  FakeLog& log_;
  const Lsn lsn_;
};

class FakeInitialCopy final : public InitialCopy {
 public:
  FakeInitialCopy(FakeLog& log, Lsn lsn) : log_(log), lsn_(lsn) {}
  Lsn snapshot_lsn() const override { return lsn_; }
  std::vector<CopyRange> Plan(const std::vector<TableDefinition>& tables, uint64_t) const override {
    std::vector<CopyRange> ranges;
    for (size_t i = 0; i < tables.size(); ++i) {
      ranges.push_back({i, 0, 0, 5, 40960});
      ranges.push_back({i, 0, 5, UINT32_MAX, 40960});
    }
    return ranges;
  }
  Result<std::unique_ptr<Reader>> Open() override {
    RETURN_IF_ERROR(log_.fail("open_reader"));
    return std::unique_ptr<Reader>(std::make_unique<FakeReader>(log_, lsn_));
  }
  Status ReadSequenceValues(std::vector<TableDefinition>&) override { return Ok(); }

 private:
  FakeLog& log_;
  const Lsn lsn_;
};

class FakeStream final : public ChangeStream {
 public:
  FakeStream(FakeLog& log, Lsn resume_from) : log_(log), sent_(resume_from) {
    for (const TableDefinition& table : log.definitions()) schemas_[table.schema->name] = table.schema;
  }

  ~FakeStream() override {
    const std::lock_guard lock(log_.mutex);
    if (log_.slot) log_.slot->active = false;
  }

  Result<ChangeBatchPtr> Next(std::chrono::milliseconds wait_max) override {
    RETURN_IF_ERROR(log_.fail("next"));
    std::unique_lock lock(log_.mutex);
    // A test ends sooner when an idle stream is not slept through.
    log_.changed.wait_for(lock, std::min(wait_max, std::chrono::milliseconds(5)), [&] { return !Pending().empty(); });
    const std::vector<const FakeTransaction*> pending = Pending();
    if (pending.empty()) return Progress();
    if (pending.front()->changes.size() > log_.changes_per_part) return NextPart(*pending.front());
    auto batch = std::make_shared<ChangeBatch>();
    for (const FakeTransaction* transaction : pending) {
      if (batch->transactions.size() >= log_.transactions_per_batch) break;
      if (transaction->changes.size() > log_.changes_per_part) break;
      Append(*batch, *transaction, 0, transaction->changes.size(), true);
    }
    sent_ = batch->end_lsn = batch->transactions.back().end_lsn;
    return ChangeBatchPtr(batch);
  }

  Status Acknowledge(Lsn durable) override {
    RETURN_IF_ERROR(log_.fail("acknowledge"));
    const std::lock_guard lock(log_.mutex);
    if (!log_.acknowledged.empty() && log_.acknowledged.back() == durable) return Ok();
    log_.acknowledged.push_back(durable);
    if (log_.slot) log_.slot->confirmed_flush_lsn = std::max(log_.slot->confirmed_flush_lsn, durable);
    return Ok();
  }

 private:
  std::vector<const FakeTransaction*> Pending() const {
    std::vector<const FakeTransaction*> pending;
    for (const FakeTransaction& transaction : log_.transactions)
      if (transaction.end_lsn > sent_) pending.push_back(&transaction);
    return pending;
  }

  Result<ChangeBatchPtr> Progress() {
    if (log_.EndLocked() <= sent_) return ChangeBatchPtr();
    auto batch = std::make_shared<ChangeBatch>();
    batch->end_lsn = sent_ = log_.EndLocked();
    batch->source_time = SystemClock().Now();
    return ChangeBatchPtr(batch);
  }

  // As RELATION tells it: also of a table that came after the stream was opened.
  TableSchemaPtr SchemaOf(const TableName& name) {
    if (!schemas_.contains(name))
      for (const TableDefinition& table : log_.DefinitionsLocked()) schemas_.try_emplace(table.schema->name, table.schema);
    return schemas_.at(name);
  }

  Result<ChangeBatchPtr> NextPart(const FakeTransaction& transaction) {
    const size_t count = std::min(log_.changes_per_part, transaction.changes.size() - part_at_);
    const bool last = part_at_ + count == transaction.changes.size();
    auto batch = std::make_shared<ChangeBatch>();
    Append(*batch, transaction, part_at_, count, last);
    part_at_ = last ? 0 : part_at_ + count;
    if (last) sent_ = batch->end_lsn = transaction.end_lsn;
    return ChangeBatchPtr(batch);
  }

  void Append(ChangeBatch& batch, const FakeTransaction& from, size_t first, size_t count, bool ends) {
    Transaction transaction;
    transaction.commit_lsn = from.commit_lsn;
    transaction.end_lsn = from.end_lsn;
    transaction.commit_time = SystemClock().Now();
    transaction.first_change = batch.changes.size();
    transaction.change_count = count;
    transaction.ends_here = ends;
    for (size_t i = first; i < first + count; ++i) {
      Change change;
      change.operation = from.changes[i].operation;
      change.table = static_cast<uint32_t>(batch.tables.size());
      batch.tables.push_back(SchemaOf(from.changes[i].table));
      std::string tuple;
      AppendBigEndian<int16_t>(tuple, 1);
      tuple += 'b';
      AppendBigEndian<int32_t>(tuple, 8);
      AppendBigEndian<int64_t>(tuple, from.changes[i].row);
      change.new_offset = change.old_offset = batch.bytes.size();
      if (change.operation == Operation::kDelete) change.old_kind = OldTuple::kKey;
      batch.bytes.insert(batch.bytes.end(), AsBytes(tuple).begin(), AsBytes(tuple).end());
      batch.changes.push_back(change);
    }
    batch.transactions.push_back(transaction);
    batch.source_time = transaction.commit_time;
  }

  FakeLog& log_;
  std::map<TableName, TableSchemaPtr> schemas_;
  Lsn sent_;
  size_t part_at_ = 0;
};

}  // namespace

TableName Named(const std::string& name) { return {"public", name}; }

namespace {

uint64_t BucketHash(int64_t row) {
  RowText text;
  text.Add(std::to_string(row));
  return ServerHash(text.Finish(), kBucketSeed);
}

}  // namespace

void SumUp(const RowSet& rows, const Buckets& buckets, BucketSums& sums) {
  for (const int64_t row : rows)
    if (const uint64_t hash = BucketHash(row); buckets.Contains(hash)) sums[buckets.Of(hash)].Add({1, {row, row * row}});
}

void FetchFrom(const RowSet& rows, const Buckets& buckets, std::vector<FetchedRow>& fetched) {
  for (const int64_t row : rows)
    if (buckets.Contains(BucketHash(row))) fetched.push_back({{std::to_string(row)}, 1});
}

FakeLog::FakeLog(std::vector<std::string> names) : tables(std::move(names)) {}

Lsn FakeLog::Commit(std::vector<FakeChange> changes) {
  const std::lock_guard lock(mutex);
  const Lsn start = end_;
  end_.value += 100;
  transactions.push_back({Lsn{start.value + 50}, end_, std::move(changes)});
  changed.notify_all();
  return end_;
}

Lsn FakeLog::Insert(const std::string& table, int64_t first, int64_t count) {
  std::vector<FakeChange> changes;
  for (int64_t row = first; row < first + count; ++row) changes.push_back({Named(table), Operation::kInsert, row});
  return Commit(std::move(changes));
}

Lsn FakeLog::Idle() {
  const std::lock_guard lock(mutex);
  end_.value += 10;
  changed.notify_all();
  return end_;
}

Lsn FakeLog::end() const {
  const std::lock_guard lock(mutex);
  return end_;
}

RowSet FakeLog::RowsAt(const TableName& table, Lsn before) const {
  const std::lock_guard lock(mutex);
  RowSet rows;
  for (const FakeTransaction& transaction : transactions) {
    if (transaction.commit_lsn >= before) break;
    for (const FakeChange& change : transaction.changes) {
      if (change.table != table) continue;
      if (change.operation == Operation::kInsert) rows.insert(change.row);
      if (change.operation == Operation::kDelete) rows.erase(rows.find(change.row));
      if (change.operation == Operation::kTruncate) rows.clear();
    }
  }
  return rows;
}

std::vector<TableDefinition> FakeLog::definitions() const {
  const std::lock_guard lock(mutex);
  return DefinitionsLocked();
}

std::vector<TableDefinition> FakeLog::DefinitionsLocked() const {
  std::vector<TableDefinition> definitions;
  for (size_t i = 0; i < tables.size(); ++i) {
    const auto anew = made_anew.find(tables[i]);
    definitions.push_back(Define(tables[i], anew == made_anew.end() ? static_cast<Oid>(20000 + i) : anew->second));
    definitions.back().fingerprint.columns = columns;
  }
  return definitions;
}

void FakeLog::AddTable(const std::string& name) {
  const std::lock_guard lock(mutex);
  tables.push_back(name);
}

Result<std::set<TableName>> FakeSource::PublishedTables() {
  const std::lock_guard lock(log_.mutex);
  std::set<TableName> published;
  for (const std::string& table : log_.tables)
    if (!log_.not_published.contains(table)) published.insert(Named(table));
  return published;
}

Result<std::optional<SlotState>> FakeSource::FindSlot() {
  RETURN_IF_ERROR(log_.fail("find_slot"));
  const std::lock_guard lock(log_.mutex);
  return log_.slot;
}

Status FakeSource::DropSlot() {
  const std::lock_guard lock(log_.mutex);
  log_.slot.reset();
  return Ok();
}

Result<std::unique_ptr<InitialCopy>> FakeSource::CreateSlotWithSnapshot() {
  RETURN_IF_ERROR(log_.fail("create_slot"));
  const Lsn now = log_.Idle();
  const std::lock_guard lock(log_.mutex);
  SlotState slot;
  slot.name = log_.identity.slot;
  slot.confirmed_flush_lsn = slot.restart_lsn = now;
  slot.wal_status = "reserved";
  log_.slot = slot;
  return std::unique_ptr<InitialCopy>(std::make_unique<FakeInitialCopy>(log_, now));
}

Result<std::unique_ptr<InitialCopy>> FakeSource::ExportSnapshot(std::chrono::milliseconds) {
  RETURN_IF_ERROR(log_.fail("before_export"));
  RETURN_IF_ERROR(log_.fail("export"));
  const Lsn now = log_.Idle();
  const std::lock_guard lock(log_.mutex);
  ++log_.snapshots_exported;
  return std::unique_ptr<InitialCopy>(std::make_unique<FakeInitialCopy>(log_, now));
}

Result<std::unique_ptr<ChangeStream>> FakeSource::OpenStream(Lsn resume_from) {
  RETURN_IF_ERROR(log_.fail("open_stream"));
  {
    const std::lock_guard lock(log_.mutex);
    if (!log_.slot) return Error{ErrorKind::kSourceLost, "no slot"};
    // As PostgreSQL does: what the slot has confirmed is never sent again, without a word.
    resume_from = std::max(resume_from, log_.slot->confirmed_flush_lsn);
    log_.slot->active = true;
    ++log_.streams_opened;
  }
  return std::unique_ptr<ChangeStream>(std::make_unique<FakeStream>(log_, resume_from));
}

}  // namespace sluice::testing
