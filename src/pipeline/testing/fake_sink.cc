#include "pipeline/testing/fake_world.h"

namespace sluice::testing {
namespace {

std::vector<int64_t> RowsOf(Bytes rows) {
  std::vector<int64_t> values;
  ByteReader reader(rows);
  while (!reader.at_end()) {
    SLUICE_CHECK(reader.Read<int16_t>() == 1);
    SLUICE_CHECK(reader.Read<int32_t>() == 8);
    values.push_back(reader.Read<int64_t>());
  }
  SLUICE_CHECK(reader.ok());
  return values;
}

TableDigest DigestOf(const RowSet& rows) {
  TableDigest digest;
  for (const int64_t row : rows) {
    ++digest.rows;
    digest.sum_low += static_cast<uint64_t>(row) * 0x9E3779B97F4A7C15ull + 1;
  }
  return digest;
}

class FakeCopyWriter final : public CopyWriter {
 public:
  FakeCopyWriter(FakeSink& sink, TableName table, std::optional<BlockRange> range) : sink_(sink), table_(std::move(table)), range_(range) {}
  Status Rows(Bytes rows, size_t count) override {
    RETURN_IF_ERROR(sink_.destination().fail("copy"));
    const std::vector<int64_t> values = RowsOf(rows);
    SLUICE_CHECK(values.size() == count);
    rows_.insert(rows_.end(), values.begin(), values.end());
    return Ok();
  }
  Status Finish() override {
    RETURN_IF_ERROR(sink_.destination().fail("copying"));
    sink_.Stage(table_, rows_, range_);
    return sink_.destination().fail("copied");
  }

 private:
  FakeSink& sink_;
  const TableName table_;
  const std::optional<BlockRange> range_;
  std::vector<int64_t> rows_;
};

class FakeDigest final : public DigestReceiver {
 public:
  Status Rows(Bytes rows, size_t) override {
    for (const int64_t row : RowsOf(rows)) rows_.insert(row);
    return Ok();
  }
  TableDigest digest() const override { return DigestOf(rows_); }

 private:
  RowSet rows_;
};

class FakeView final : public SinkView {
 public:
  explicit FakeView(std::map<TableName, RowSet> rows) : rows_(std::move(rows)) {}
  Result<RowForm> Form(const TableDefinition&) override {
    RowForm form;
    form.columns.resize(1);
    form.identity = {0};
    return form;
  }
  Status Sum(const TableDefinition& table, const RowForm&, const Buckets& buckets, std::stop_token, BucketSums& sums) override {
    SumUp(rows_[table.schema->name], buckets, sums);
    return Ok();
  }
  Status Fetch(const TableDefinition& table, const RowForm&, const Buckets& buckets, size_t, std::stop_token,
               std::vector<FetchedRow>& rows) override {
    FetchFrom(rows_[table.schema->name], buckets, rows);
    return Ok();
  }
  Result<TableDigest> Digest(const TableDefinition& table) override { return DigestOf(rows_[table.schema->name]); }
  Result<std::unique_ptr<DigestReceiver>> Expect(const TableDefinition&) override {
    return std::unique_ptr<DigestReceiver>(std::make_unique<FakeDigest>());
  }

 private:
  std::map<TableName, RowSet> rows_;
};

int64_t RowOf(const std::byte* tuple) { return LoadBigEndian<int64_t>(TupleReader(tuple).Next().bytes.data()); }

}  // namespace

RowSet FakeDestination::Rows(const TableName& table) const {
  const std::lock_guard lock(mutex);
  const auto found = rows.find(table);
  return found == rows.end() ? RowSet() : found->second;
}

Lsn FakeDestination::bookmark_lsn() const {
  const std::lock_guard lock(mutex);
  return bookmark ? bookmark->position.lsn : Lsn{};
}

size_t FakeDestination::commits() const {
  const std::lock_guard lock(mutex);
  return commit_lsns.size();
}

bool FakeDestination::WaitFor(Lsn lsn) const {
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, std::chrono::seconds(10), [&] { return bookmark && ResumeLsn(bookmark->position.lsn, copied) >= lsn; });
}

bool FakeDestination::WaitUntilCopied(const TableName& table) const {
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, std::chrono::seconds(10), [&] { return copied.contains(table); });
}

void FakeDestination::Block() {
  const std::lock_guard lock(mutex);
  blocked = true;
}

void FakeDestination::Unblock() {
  const std::lock_guard lock(mutex);
  blocked = false;
  changed.notify_all();
}

namespace {

uint64_t NextEpoch(FakeDestination& destination) {
  const std::lock_guard lock(destination.mutex);
  return ++destination.epoch;
}

}  // namespace

FakeSink::FakeSink(FakeDestination& destination) : FakeSink(destination, NextEpoch(destination)) {}

FakeSink::FakeSink(FakeDestination& destination, uint64_t epoch) : destination_(destination), epoch_(epoch) {
  const std::lock_guard lock(destination.mutex);
  bookmark_ = destination.bookmark;
  copied_ = destination.copied;
  held_ = destination.held;
  kept_ = destination.kept;
  std::erase_if(kept_, [](const auto& entry) { return entry.second.ranges.empty(); });
  working_ = destination.rows;
}

Status FakeSink::Hold(const TableName& table, const HeldTable& why) {
  const std::lock_guard lock(destination_.mutex);
  RETURN_IF_ERROR(CheckEpoch());
  destination_.copied.erase(table);
  destination_.held[table] = why;
  copied_ = destination_.copied;
  held_ = destination_.held;
  destination_.changed.notify_all();
  return Ok();
}

Status FakeSink::Forget(const TableName& table) {
  const std::lock_guard lock(destination_.mutex);
  RETURN_IF_ERROR(CheckEpoch());
  destination_.copied.erase(table);
  destination_.held.erase(table);
  copied_ = destination_.copied;
  held_ = destination_.held;
  return Ok();
}

Status FakeSink::ForgetBookmark() {
  const std::lock_guard lock(destination_.mutex);
  RETURN_IF_ERROR(CheckEpoch());
  destination_.bookmark.reset();
  bookmark_.reset();
  return Ok();
}

Status FakeSink::Follow(const TableDefinition& table, FollowExtent extent) {
  RETURN_IF_ERROR(destination_.fail("follow"));
  const std::lock_guard lock(destination_.mutex);
  RETURN_IF_ERROR(CheckEpoch());
  if (extent == FollowExtent::kLoosen) return Ok();
  destination_.copied.at(table.schema->name).fingerprint = ToText(table.fingerprint);
  copied_ = destination_.copied;
  return Ok();
}

Result<std::unique_ptr<Sink>> FakeSink::OpenBeside() {
  return std::unique_ptr<Sink>(std::make_unique<FakeSink>(destination_, epoch_));
}

Status FakeSink::CheckEpoch() const {
  if (destination_.epoch != epoch_) return Error{ErrorKind::kConflict, "another epoch"};
  return Ok();
}

Status FakeSink::PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) {
  RETURN_IF_ERROR(destination_.fail("prepare"));
  const std::lock_guard lock(destination_.mutex);
  for (const TableDefinition& table : tables) {
    destination_.prepared.push_back(table.schema->name.name);
    destination_.prepared_at = point;
    if (kept_.contains(table.schema->name)) continue;
    destination_.staged.erase(table.schema->name);
    destination_.kept[table.schema->name] = {point.position.log, table.schema->oid, CopyFingerprint(table), point.position.lsn, {}};
  }
  return Ok();
}

Status FakeSink::KeepCopies(const std::set<TableName>& tables) {
  const std::lock_guard lock(destination_.mutex);
  RETURN_IF_ERROR(CheckEpoch());
  std::erase_if(kept_, [&](const auto& entry) { return !tables.contains(entry.first); });
  std::erase_if(destination_.kept, [&](const auto& entry) { return !tables.contains(entry.first); });
  return Ok();
}

Result<std::unique_ptr<CopyWriter>> FakeSink::OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) {
  return std::unique_ptr<CopyWriter>(std::make_unique<FakeCopyWriter>(*this, table.schema->name, range));
}

void FakeSink::Stage(const TableName& table, const std::vector<int64_t>& rows, const std::optional<BlockRange>& range) {
  const std::lock_guard lock(destination_.mutex);
  destination_.staged[table].insert(rows.begin(), rows.end());
  if (!range) return;
  destination_.kept[table].ranges.push_back(*range);
  destination_.ranges_written.push_back(table.name + " " + std::to_string(range->first_block));
}

Status FakeSink::RemoveCopied(const TableDefinition& table, Bytes keys, size_t) {
  RETURN_IF_ERROR(destination_.fail("remove"));
  const std::lock_guard lock(destination_.mutex);
  for (const int64_t key : RowsOf(keys)) destination_.staged[table.schema->name].erase(key);
  return Ok();
}

Status FakeSink::FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position,
                              Timestamp source_time) {
  RETURN_IF_ERROR(destination_.fail("finish"));
  const std::lock_guard lock(destination_.mutex);
  RETURN_IF_ERROR(CheckEpoch());
  std::vector<std::string>& group = destination_.finished_groups.emplace_back();
  for (const TableDefinition& table : tables) {
    const TableName& name = table.schema->name;
    group.push_back(name.name);
    destination_.rows[name] = working_[name] = destination_.staged[name];
    destination_.kept.erase(name);
    destination_.copied[name] = {table.schema->oid, copy_position.lsn, {}, ToText(table.fingerprint)};
    if (destination_.bookmark) destination_.copied[name].catching_up_from = copy_position.lsn;
    destination_.held.erase(name);
  }
  if (!destination_.bookmark) destination_.bookmark = Bookmark{copy_position, epoch_, source_time};
  bookmark_ = destination_.bookmark;
  copied_ = destination_.copied;
  destination_.changed.notify_all();
  return Ok();
}

void FakeSink::Apply(const FakeChange& change) {
  RowSet& rows = working_[change.table];
  if (change.operation == Operation::kInsert) rows.insert(change.row);
  if (change.operation == Operation::kTruncate) rows.clear();
  if (change.operation == Operation::kDelete) {
    SLUICE_CHECK(rows.contains(change.row));
    rows.erase(rows.find(change.row));
  }
}

bool FakeSink::Wants(const Transaction& transaction, const TableName& table) const {
  const auto copied = copied_.find(table);
  return copied != copied_.end() && TakesTransaction(copied->second, transaction.commit_lsn, transaction.end_lsn, bookmark_->position.lsn);
}

Status FakeSink::Write(ChangeBatchPtr batch) {
  {
    std::unique_lock lock(destination_.mutex);
    ++destination_.writes;
    destination_.changed.notify_all();
    destination_.changed.wait(lock, [&] { return !destination_.blocked; });
  }
  RETURN_IF_ERROR(destination_.fail("write"));
  for (const Transaction& transaction : batch->transactions) {
    for (size_t i = 0; i < transaction.change_count; ++i) {
      const Change& change = batch->changes[transaction.first_change + i];
      const TableName& table = batch->tables[change.table]->name;
      if (!Wants(transaction, table)) continue;
      if (Status failed = destination_.fail("write " + table.name); !failed.ok()) return failed;
      const bool old_side = change.operation == Operation::kDelete;
      Apply({table, change.operation, RowOf(old_side ? batch->old_tuple(change) : batch->new_tuple(change))});
    }
  }
  uncommitted_bytes_ += batch->size_bytes();
  return Ok();
}

Status FakeSink::Commit(const Position& position, Timestamp source_time) {
  RETURN_IF_ERROR(destination_.fail("commit"));
  {
    const std::lock_guard lock(destination_.mutex);
    RETURN_IF_ERROR(CheckEpoch());
    SLUICE_CHECK(position.lsn >= ResumeLsn(bookmark_->position.lsn, copied_));  // Never back.
    for (const auto& [name, table] : copied_) destination_.rows[name] = working_[name];
    const bool behind = position.lsn < bookmark_->position.lsn;
    for (auto& [name, table] : copied_) {
      if (!table.catching_up_from) continue;
      table.catching_up_from = position.lsn;
      if (!behind) table.catching_up_from.reset();
      destination_.copied[name] = table;
    }
    if (!behind) bookmark_ = Bookmark{position, epoch_, source_time};
    destination_.bookmark = bookmark_;
    destination_.commit_lsns.push_back(position.lsn);
    uncommitted_bytes_ = 0;
    destination_.changed.notify_all();
  }
  return destination_.fail("commit.after");
}

Status FakeSink::Repair(std::span<const RowRepair> repairs) {
  RETURN_IF_ERROR(destination_.fail("repair"));
  for (const RowRepair& repair : repairs)
    for (const RowRepair::Row& row : repair.rows) {
      const int64_t key = std::stoll(std::string(AsText(TupleReader(repair.key(row)).Next().bytes)));
      working_[repair.schema->name].erase(key);
      if (repair.tuple(row) != nullptr) working_[repair.schema->name].insert(key);
    }
  return Ok();
}

Result<std::unique_ptr<SinkView>> FakeSink::View() {
  RETURN_IF_ERROR(destination_.fail("view"));
  const std::lock_guard lock(destination_.mutex);
  return std::unique_ptr<SinkView>(std::make_unique<FakeView>(destination_.rows));
}

FakeWorld::FakeWorld(std::vector<std::string> tables, std::vector<std::string> sinks) : log(std::move(tables)) {
  for (std::string& sink : sinks) destinations.push_back(std::make_unique<FakeDestination>(std::move(sink)));
}

Connector FakeWorld::connector() {
  Connector connector;
  connector.open_source = [this]() -> Result<std::unique_ptr<Source>> {
    RETURN_IF_ERROR(log.fail("open_source"));
    return std::unique_ptr<Source>(std::make_unique<FakeSource>(log));
  };
  connector.open_sinks = [this](const LogIdentity&) -> Result<std::vector<AttachedSink>> {
    std::vector<AttachedSink> attached;
    for (const auto& destination : destinations) {
      const auto own = commit_of.find(destination->name);
      attached.push_back({std::make_unique<FakeSink>(*destination), own == commit_of.end() ? commit : own->second});
    }
    return attached;
  };
  return connector;
}

HeldTables FakeDestination::holds() const {
  const std::lock_guard lock(mutex);
  return held;
}

bool FakeWorld::Equal() const {
  for (const auto& destination : destinations)
    for (const std::string& table : log.tables)
      if (!destination->holds().contains(Named(table)) && destination->Rows(Named(table)) != log.Rows(Named(table)))
        return false;
  return true;
}

}  // namespace sluice::testing
