#pragma once
// Tables, transactions and the log of a PostgreSQL in memory, with every state that the tables ever had. Knows nothing of
// threads or time: whoever calls it does so between two steps.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "change/change_batch.h"
#include "change/table_definition.h"
#include "table_content.h"

namespace sluice::simulator {

struct ColumnShape {
  int16_t attribute = 0;
  std::string name;
  bool toasted = false;     ///< Its values are so large that an update which leaves them alone does not send them.
  uint32_t changed_by = 0;
};

/// What a table looked like when a change was made. Column 1 is its key.
struct TableShape {
  Oid oid = 0;
  TableName name;
  ReplicaIdentity identity = ReplicaIdentity::kDefault;
  std::vector<ColumnShape> columns;
  bool dropped = false;
  int16_t last_attribute = 0;  ///< Also of columns that are gone: no number comes twice.
};
using TableShapePtr = std::shared_ptr<const TableShape>;

/// One record of the log.
struct Record {
  enum class Kind { kChange, kTruncate, kMessage, kAltered, kCommit, kAbort, kSubAbort, kOther };
  Kind kind = Kind::kOther;
  Lsn lsn, end;
  uint32_t top = 0, xid = 0;
  Timestamp time{};

  Operation operation = Operation::kInsert;
  TableShapePtr table;
  bool published = false;
  int64_t old_key = 0, key = 0;
  Row old_row, row;
  std::set<int16_t> untouched;          ///< Toasted values that an update left alone.

  std::vector<TableShapePtr> truncated;  ///< Published ones.
  bool transactional = false;            ///< Of a message.
  std::string prefix, content;
  Oid altered = 0;                       ///< The table that a command has made, changed or emptied in the catalog.
  std::vector<uint32_t> subxids;         ///< Of an abort: which subtransactions end with it, inner ones first.
};

/// What a table held from one commit on; where it was dropped: until then.
struct TableVersion {
  Lsn end;
  Digest digest;
  TableShapePtr shape;  ///< Where it was dropped: its last one.
};

class FakeDatabase {
 public:
  struct Table {
    TableShapePtr shape;
    TableContent content;
    std::map<int64_t, uint32_t> blocks;  ///< Where each row lies: somewhere else whenever it is written.
    Oid file_node = 0;
    bool published = false;
  };

  // ── what clients do; false where a lock of another transaction is in the way, or the row is not as it must be ──
  uint32_t Begin();
  bool Insert(uint32_t xid, Oid table, int64_t key, Row row);
  /// `changed`: columns with new values, nullopt for null.
  bool Update(uint32_t xid, Oid table, int64_t key, int64_t new_key, const std::map<int16_t, std::optional<std::string>>& changed);
  bool Delete(uint32_t xid, Oid table, int64_t key);
  bool Truncate(uint32_t xid, const std::vector<Oid>& tables);
  /// As CLUSTER: the same rows in other files and at other places.
  bool Rewrite(uint32_t xid, Oid table);
  bool AddColumn(uint32_t xid, Oid table, bool toasted);
  bool DropColumn(uint32_t xid, Oid table, int16_t attribute);
  bool DropTable(uint32_t xid, Oid table);
  Oid CreateTable(uint32_t xid, const std::string& name, ReplicaIdentity identity, bool with_toast);
  void Message(uint32_t xid, bool transactional, const std::string& prefix, const std::string& content);
  void Savepoint(uint32_t xid);
  /// Whether that undid a change of structure.
  bool RollbackToSavepoint(uint32_t xid);
  Lsn Commit(uint32_t xid, Timestamp time);
  void Abort(uint32_t xid);

  bool HasSavepoint(uint32_t xid) const { return transactions_.at(xid).savepoints.size() > 0; }
  bool IsOpen(uint32_t xid) const { return transactions_.contains(xid); }
  std::vector<uint32_t> OpenTransactions() const;
  /// As the transaction sees it; null: no such row.
  const Row* Find(uint32_t xid, Oid table, int64_t key) const;
  /// As the transaction sees it, which may have made or changed it.
  const TableShapePtr& ShapeFor(uint32_t xid, Oid table) const { return ShapeFor(transactions_.at(xid), table); }
  /// Those it may write to now.
  std::vector<Oid> WritableTables(uint32_t xid) const;
  std::vector<int64_t> WritableKeys(uint32_t xid, Oid table) const;

  // ── the server's side ──
  void Publish(const std::set<TableName>& names);
  /// Log that is of no concern to any table, e.g. of another database.
  Lsn OtherTraffic(uint64_t bytes);
  Lsn end() const { return end_; }
  const std::deque<Record>& log() const { return log_; }
  const std::map<Oid, Table>& tables() const { return tables_; }
  const Table* FindTable(const TableName& name) const;
  /// The first record that whoever starts at `start` must read to see its transactions whole.
  size_t FirstRecordFor(Lsn start) const;

  // ── what was true when ──
  /// The state of the table with every transaction that ends at or before `lsn`; null: it did not exist yet.
  const TableVersion* VersionAt(Oid table, Lsn lsn) const;

 private:
  struct Overlay {
    bool truncated = false;
    std::map<int64_t, std::optional<Row>> rows;
  };
  struct Saved {
    uint32_t subxid;
    std::map<Oid, Overlay> overlays;
    std::map<Oid, TableShapePtr> shapes;
    std::set<Oid> rewritten;
  };
  struct Transaction {
    uint32_t xid = 0;
    size_t first_record = 0;
    std::map<Oid, Overlay> overlays;
    std::map<Oid, TableShapePtr> shapes;     // Changed, made or dropped by it.
    std::set<Oid> rewritten;
    std::vector<Saved> savepoints;
    uint32_t subxid = 0;                     // Whose changes come next.
    std::vector<uint32_t> live_subxids;
  };
  struct Ended {
    size_t first_record;
    Lsn commit_lsn;
  };

  bool MayWrite(uint32_t xid, Oid table, int64_t key) const;
  bool LockWhole(uint32_t xid, Oid table);
  bool TableIsFree(uint32_t xid, Oid table) const;
  const TableShapePtr& ShapeFor(const Transaction& transaction, Oid table) const;
  bool PublishedFor(Oid table) const;
  Record& Append(Record record, uint64_t bytes);
  void AppendChange(Transaction& transaction, Record record);
  void AppendAltered(Transaction& transaction, Oid table);
  void Reshape(Transaction& transaction, Oid table, TableShapePtr shape);
  void CommitShape(Oid table, const TableShapePtr& shape);
  void Settle(Table& table, Overlay& overlay, Lsn commit);
  void MoveRows(Table& table, Lsn commit);
  void Release(uint32_t xid);

  std::map<Oid, Table> tables_;
  std::map<Oid, std::vector<TableVersion>> versions_;
  std::deque<Record> log_;
  std::map<uint32_t, Transaction> transactions_;
  std::vector<Ended> committed_;
  std::map<std::pair<Oid, int64_t>, uint32_t> row_locks_;
  std::map<Oid, uint32_t> table_locks_;
  std::set<TableName> published_names_;
  Lsn end_{0x1000000};
  uint32_t last_xid_ = 700;
  Oid last_oid_ = 16400;
};

/// Pages when a copy is planned; rows lie beyond them too, as of a table that has grown since.
inline constexpr uint32_t kPages = 10, kBlocks = 13;

/// Whether the configuration takes the table; the others are in the log, but never published.
inline bool IsFollowed(const TableShape& shape) { return !shape.name.name.starts_with("hidden"); }
/// The table's facts as ReadTables tells them.
TableDefinition Define(const FakeDatabase::Table& table);
/// The schema alone.
TableSchema SchemaOf(const TableShape& shape);
/// The attribute number in a column's name, which no other column of the table ever has.
int16_t AttributeOf(const std::string& column);

}  // namespace sluice::simulator
