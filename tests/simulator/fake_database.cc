#include "fake_database.h"

#include <algorithm>

#include "base/check.h"
#include "random.h"

namespace sluice::simulator {
namespace {

uint64_t BytesOf(const Record& record) {
  uint64_t bytes = 48;
  for (const auto& [attribute, value] : record.row) bytes += value.size();
  for (const auto& [attribute, value] : record.old_row) bytes += value.size();
  return bytes + record.content.size();
}

/// Where a row comes to lie that is written by this commit.
uint32_t BlockOf(int64_t key, Lsn commit) { return static_cast<uint32_t>(Random::Mix(commit.value + static_cast<uint64_t>(key)) % kBlocks); }

}  // namespace

// ── clients ──

uint32_t FakeDatabase::Begin() {
  Transaction transaction;
  transaction.xid = transaction.subxid = ++last_xid_;
  transaction.first_record = log_.size();
  transactions_.emplace(transaction.xid, std::move(transaction));
  return last_xid_;
}

bool FakeDatabase::MayWrite(uint32_t xid, Oid table, int64_t key) const {
  const auto whole = table_locks_.find(table);
  if (whole != table_locks_.end() && whole->second != xid) return false;
  const auto row = row_locks_.find({table, key});
  return row == row_locks_.end() || row->second == xid;
}

bool FakeDatabase::TableIsFree(uint32_t xid, Oid table) const {
  const auto whole = table_locks_.find(table);
  if (whole != table_locks_.end()) return whole->second == xid;
  for (auto row = row_locks_.lower_bound({table, INT64_MIN}); row != row_locks_.end() && row->first.first == table; ++row)
    if (row->second != xid) return false;
  return true;
}

bool FakeDatabase::LockWhole(uint32_t xid, Oid table) {
  if (!TableIsFree(xid, table)) return false;
  table_locks_[table] = xid;
  return true;
}

const TableShapePtr& FakeDatabase::ShapeFor(const Transaction& transaction, Oid table) const {
  const auto own = transaction.shapes.find(table);
  return own != transaction.shapes.end() ? own->second : tables_.at(table).shape;
}

bool FakeDatabase::PublishedFor(Oid table) const {
  const auto known = tables_.find(table);
  return known != tables_.end() && known->second.published;
}

const Row* FakeDatabase::Find(uint32_t xid, Oid table, int64_t key) const {
  const Transaction& transaction = transactions_.at(xid);
  const auto overlay = transaction.overlays.find(table);
  if (overlay != transaction.overlays.end()) {
    const auto row = overlay->second.rows.find(key);
    if (row != overlay->second.rows.end()) return row->second ? &*row->second : nullptr;
    if (overlay->second.truncated) return nullptr;
  }
  const auto known = tables_.find(table);
  return known == tables_.end() ? nullptr : known->second.content.Find(key);
}

bool FakeDatabase::Insert(uint32_t xid, Oid table, int64_t key, Row row) {
  if (!MayWrite(xid, table, key) || Find(xid, table, key) != nullptr) return false;
  Transaction& transaction = transactions_.at(xid);
  row_locks_[{table, key}] = xid;
  Record record;
  record.kind = Record::Kind::kChange;
  record.operation = Operation::kInsert;
  record.table = ShapeFor(transaction, table);
  record.key = key;
  record.row = row;
  AppendChange(transaction, std::move(record));
  transaction.overlays[table].rows[key] = std::move(row);
  return true;
}

bool FakeDatabase::Update(uint32_t xid, Oid table, int64_t key, int64_t new_key, const std::map<int16_t, std::optional<std::string>>& changed) {
  const Row* const before = Find(xid, table, key);
  if (before == nullptr || !MayWrite(xid, table, key)) return false;
  if (new_key != key && (!MayWrite(xid, table, new_key) || Find(xid, table, new_key) != nullptr)) return false;
  Transaction& transaction = transactions_.at(xid);
  row_locks_[{table, key}] = row_locks_[{table, new_key}] = xid;
  Record record;
  record.kind = Record::Kind::kChange;
  record.operation = Operation::kUpdate;
  record.table = ShapeFor(transaction, table);
  record.old_key = key;
  record.key = new_key;
  record.old_row = record.row = *before;
  for (const auto& [attribute, value] : changed) {
    if (value) record.row[attribute] = *value;
    else record.row.erase(attribute);
  }
  for (const ColumnShape& column : record.table->columns)
    if (column.toasted && !changed.contains(column.attribute) && record.row.contains(column.attribute)) record.untouched.insert(column.attribute);
  Overlay& overlay = transaction.overlays[table];
  if (new_key != key) overlay.rows[key] = std::nullopt;
  overlay.rows[new_key] = record.row;
  AppendChange(transaction, std::move(record));
  return true;
}

bool FakeDatabase::Delete(uint32_t xid, Oid table, int64_t key) {
  const Row* const before = Find(xid, table, key);
  if (before == nullptr || !MayWrite(xid, table, key)) return false;
  Transaction& transaction = transactions_.at(xid);
  row_locks_[{table, key}] = xid;
  Record record;
  record.kind = Record::Kind::kChange;
  record.operation = Operation::kDelete;
  record.table = ShapeFor(transaction, table);
  record.old_key = key;
  record.old_row = *before;
  AppendChange(transaction, std::move(record));
  transaction.overlays[table].rows[key] = std::nullopt;
  return true;
}

bool FakeDatabase::Truncate(uint32_t xid, const std::vector<Oid>& tables) {
  for (const Oid table : tables)
    if (!TableIsFree(xid, table)) return false;
  Transaction& transaction = transactions_.at(xid);
  Record record;
  record.kind = Record::Kind::kTruncate;
  for (const Oid table : tables) {
    LockWhole(xid, table);
    Overlay& overlay = transaction.overlays[table];
    overlay.truncated = true;
    overlay.rows.clear();
    AppendAltered(transaction, table);
    if (PublishedFor(table)) record.truncated.push_back(ShapeFor(transaction, table));
  }
  AppendChange(transaction, std::move(record));
  return true;
}

bool FakeDatabase::Rewrite(uint32_t xid, Oid table) {
  if (!LockWhole(xid, table)) return false;
  Transaction& transaction = transactions_.at(xid);
  AppendAltered(transaction, table);
  transaction.rewritten.insert(table);
  return true;
}

bool FakeDatabase::AddColumn(uint32_t xid, Oid table, bool toasted) {
  if (!LockWhole(xid, table)) return false;
  Transaction& transaction = transactions_.at(xid);
  auto shape = std::make_shared<TableShape>(*ShapeFor(transaction, table));
  const int16_t attribute = ++shape->last_attribute;
  shape->columns.push_back({attribute, "c" + std::to_string(attribute), toasted, transaction.subxid});
  Reshape(transaction, table, std::move(shape));
  return true;
}

bool FakeDatabase::DropColumn(uint32_t xid, Oid table, int16_t attribute) {
  if (attribute == 1 || !LockWhole(xid, table)) return false;
  Transaction& transaction = transactions_.at(xid);
  auto shape = std::make_shared<TableShape>(*ShapeFor(transaction, table));
  if (std::erase_if(shape->columns, [&](const ColumnShape& column) { return column.attribute == attribute; }) == 0) return false;
  Reshape(transaction, table, std::move(shape));
  return true;
}

bool FakeDatabase::DropTable(uint32_t xid, Oid table) {
  if (!LockWhole(xid, table)) return false;
  Transaction& transaction = transactions_.at(xid);
  auto shape = std::make_shared<TableShape>(*ShapeFor(transaction, table));
  shape->dropped = true;
  Reshape(transaction, table, std::move(shape));
  return true;
}

Oid FakeDatabase::CreateTable(uint32_t xid, const std::string& name, ReplicaIdentity identity, bool with_toast) {
  Transaction& transaction = transactions_.at(xid);
  auto shape = std::make_shared<TableShape>();
  shape->oid = ++last_oid_;
  shape->name = {"public", name};
  shape->identity = identity;
  shape->columns = {{1, "id", false, transaction.subxid}, {2, "c2", false, transaction.subxid}};
  if (with_toast) shape->columns.push_back({3, "c3", true, transaction.subxid});
  shape->last_attribute = shape->columns.back().attribute;
  table_locks_[shape->oid] = xid;
  Reshape(transaction, last_oid_, std::move(shape));
  return last_oid_;
}

void FakeDatabase::Reshape(Transaction& transaction, Oid table, TableShapePtr shape) {
  AppendAltered(transaction, table);
  transaction.shapes[table] = std::move(shape);
}

void FakeDatabase::Message(uint32_t xid, bool transactional, const std::string& prefix, const std::string& content) {
  Record record;
  record.kind = Record::Kind::kMessage;
  record.transactional = transactional;
  record.prefix = prefix;
  record.content = content;
  if (transactional) return AppendChange(transactions_.at(xid), std::move(record));
  const uint64_t bytes = BytesOf(record);
  Append(std::move(record), bytes);
}

void FakeDatabase::Savepoint(uint32_t xid) {
  Transaction& transaction = transactions_.at(xid);
  transaction.savepoints.push_back({transaction.subxid, transaction.overlays, transaction.shapes, transaction.rewritten});
  transaction.subxid = ++last_xid_;
  transaction.live_subxids.push_back(transaction.subxid);
}

bool FakeDatabase::RollbackToSavepoint(uint32_t xid) {
  Transaction& transaction = transactions_.at(xid);
  Saved saved = std::move(transaction.savepoints.back());
  transaction.savepoints.pop_back();
  Record record;
  record.kind = Record::Kind::kSubAbort;
  record.top = xid;
  record.xid = transaction.subxid;
  record.subxids = {transaction.subxid};
  Append(std::move(record), 40);
  std::erase(transaction.live_subxids, transaction.subxid);
  const bool reshaped = transaction.shapes != saved.shapes || transaction.rewritten != saved.rewritten;
  transaction.overlays = std::move(saved.overlays);
  transaction.shapes = std::move(saved.shapes);
  transaction.rewritten = std::move(saved.rewritten);
  transaction.subxid = saved.subxid;
  return reshaped;
}

Lsn FakeDatabase::Commit(uint32_t xid, Timestamp time) {
  Transaction transaction = std::move(transactions_.at(xid));
  transactions_.erase(xid);
  Record record;
  record.kind = Record::Kind::kCommit;
  record.top = record.xid = xid;
  record.time = time;
  const Record& commit = Append(std::move(record), 48);
  committed_.push_back({transaction.first_record, commit.lsn});
  std::set<Oid> touched;
  for (const auto& [oid, shape] : transaction.shapes) {
    touched.insert(oid);
    CommitShape(oid, shape);
  }
  for (auto& [oid, overlay] : transaction.overlays) {
    const auto known = tables_.find(oid);
    if (known == tables_.end()) continue;
    touched.insert(oid);
    Settle(known->second, overlay, commit.lsn);
  }
  for (const Oid oid : transaction.rewritten)
    if (const auto known = tables_.find(oid); known != tables_.end()) MoveRows(known->second, commit.lsn);
  for (const Oid oid : touched) {
    const Table& table = tables_.at(oid);
    versions_[oid].push_back({commit.end, table.content.digest(), table.shape});
    if (table.shape->dropped) tables_.erase(oid);
  }
  Release(xid);
  return commit.end;
}

void FakeDatabase::CommitShape(Oid oid, const TableShapePtr& shape) {
  Table& table = tables_[oid];
  if (!table.shape) table.file_node = oid;
  else
    for (const ColumnShape& column : table.shape->columns)
      if (std::none_of(shape->columns.begin(), shape->columns.end(), [&](const ColumnShape& kept) { return kept.attribute == column.attribute; }))
        table.content.DropColumn(column.attribute);
  table.shape = shape;
}

void FakeDatabase::Settle(Table& table, Overlay& overlay, Lsn commit) {
  if (overlay.truncated) {
    table.content.Clear();
    table.blocks.clear();
    table.file_node = ++last_oid_;
  }
  for (const auto& [key, row] : overlay.rows) {
    table.content.Erase(key);
    table.blocks.erase(key);
  }
  for (auto& [key, row] : overlay.rows) {
    if (!row) continue;
    SLUICE_CHECK(table.content.Insert(key, std::move(*row)));
    table.blocks[key] = BlockOf(key, commit);
  }
}

void FakeDatabase::MoveRows(Table& table, Lsn commit) {
  table.file_node = ++last_oid_;
  for (auto& [key, block] : table.blocks) block = BlockOf(key, commit);
}

void FakeDatabase::Abort(uint32_t xid) {
  const Transaction transaction = std::move(transactions_.at(xid));
  transactions_.erase(xid);
  Record record;
  record.kind = Record::Kind::kAbort;
  record.top = record.xid = xid;
  record.subxids.assign(transaction.live_subxids.begin(), transaction.live_subxids.end());
  Append(std::move(record), 40);
  Release(xid);
}

void FakeDatabase::Release(uint32_t xid) {
  std::erase_if(row_locks_, [&](const auto& lock) { return lock.second == xid; });
  std::erase_if(table_locks_, [&](const auto& lock) { return lock.second == xid; });
}

std::vector<uint32_t> FakeDatabase::OpenTransactions() const {
  std::vector<uint32_t> open;
  for (const auto& [xid, transaction] : transactions_) open.push_back(xid);
  return open;
}

std::vector<Oid> FakeDatabase::WritableTables(uint32_t xid) const {
  std::vector<Oid> writable;
  const Transaction& transaction = transactions_.at(xid);
  for (const auto& [oid, table] : tables_) {
    const auto lock = table_locks_.find(oid);
    if (lock != table_locks_.end() && lock->second != xid) continue;
    if (const auto own = transaction.shapes.find(oid); own != transaction.shapes.end() && own->second->dropped) continue;
    writable.push_back(oid);
  }
  for (const auto& [oid, shape] : transaction.shapes)
    if (!shape->dropped && !tables_.contains(oid)) writable.push_back(oid);
  return writable;
}

std::vector<int64_t> FakeDatabase::WritableKeys(uint32_t xid, Oid table) const {
  std::vector<int64_t> keys;
  const Transaction& transaction = transactions_.at(xid);
  const auto overlay = transaction.overlays.find(table);
  const bool truncated = overlay != transaction.overlays.end() && overlay->second.truncated;
  if (const auto known = tables_.find(table); known != tables_.end() && !truncated)
    for (const auto& [key, row] : known->second.content.rows())
      if (MayWrite(xid, table, key) && Find(xid, table, key) != nullptr) keys.push_back(key);
  if (overlay != transaction.overlays.end())
    for (const auto& [key, row] : overlay->second.rows)
      if (row && (truncated || !tables_.contains(table) || tables_.at(table).content.Find(key) == nullptr)) keys.push_back(key);
  return keys;
}

// ── the server's side ──

Record& FakeDatabase::Append(Record record, uint64_t bytes) {
  record.lsn = end_;
  end_.value += (bytes + 7) / 8 * 8;
  record.end = end_;
  return log_.emplace_back(std::move(record));
}

void FakeDatabase::AppendChange(Transaction& transaction, Record record) {
  record.top = transaction.xid;
  record.xid = transaction.subxid;
  if (record.table) record.published = PublishedFor(record.table->oid);
  const uint64_t bytes = BytesOf(record);
  Append(std::move(record), bytes);
}

void FakeDatabase::AppendAltered(Transaction& transaction, Oid table) {
  Record record;
  record.kind = Record::Kind::kAltered;
  record.altered = table;
  AppendChange(transaction, std::move(record));
}

void FakeDatabase::Publish(const std::set<TableName>& names) {
  for (auto& [oid, table] : tables_) table.published = names.contains(table.shape->name);
}

Lsn FakeDatabase::OtherTraffic(uint64_t bytes) {
  Append(Record{}, bytes);
  return end_;
}

const FakeDatabase::Table* FakeDatabase::FindTable(const TableName& name) const {
  for (const auto& [oid, table] : tables_)
    if (table.shape->name == name) return &table;
  return nullptr;
}

size_t FakeDatabase::FirstRecordFor(Lsn start) const {
  size_t first = log_.size();
  for (const auto& [xid, transaction] : transactions_) first = std::min(first, transaction.first_record);
  for (const Ended& ended : committed_)
    if (ended.commit_lsn >= start) first = std::min(first, ended.first_record);
  const auto at = std::lower_bound(log_.begin(), log_.end(), start, [](const Record& record, Lsn lsn) { return record.lsn < lsn; });
  return std::min(first, static_cast<size_t>(at - log_.begin()));
}

const TableVersion* FakeDatabase::VersionAt(Oid table, Lsn lsn) const {
  const auto versions = versions_.find(table);
  if (versions == versions_.end()) return nullptr;
  const auto after = std::upper_bound(versions->second.begin(), versions->second.end(), lsn, [](Lsn at, const TableVersion& version) { return at < version.end; });
  return after == versions->second.begin() ? nullptr : &*(after - 1);
}

}  // namespace sluice::simulator
