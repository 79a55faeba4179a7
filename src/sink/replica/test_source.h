#pragma once
// For tests: a source database whose tables are described and whose rows come in the wire's form, without a slot.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "change/change_batch.h"
#include "change/table_definition.h"
#include "postgres/connection.h"
#include "sink/sink.h"

namespace sluice::testing {

/// Owned TupleData.
using Tuple = std::string;

class TestSource {
 public:
  explicit TestSource(const std::string& dsn);

  void Run(const std::string& sql);
  std::string Value(const std::string& sql);

  /// Reads the catalog. Expressions count as needing nothing.
  TableDefinition Describe(const std::string& name_space, const std::string& name);

  /// The rows of `SELECT columns FROM table WHERE …` as TupleData, in the order of the table's columns.
  /// `text`: as a stream without binary sends them.
  std::vector<Tuple> Rows(const TableDefinition& table, const std::string& where = "true", bool text = false);
  /// The only one.
  Tuple Row(const TableDefinition& table, const std::string& where);

  /// All rows into a receiver of initial copies.
  void CopyTo(const TableDefinition& table, RowReceiver& receiver);

 private:
  TypePtr TypeOf(Oid oid);
  std::vector<std::string> CopyRows(const TableDefinition& table, const std::string& where, bool text);
  void DescribeConstraints(TableDefinition& definition, const std::string& id);
  void DescribePartitions(TableDefinition& definition, const std::string& id);

  PgConnection connection_;
  std::map<Oid, TypePtr> types_;
};

/// A tuple with only its key columns, the others null: what the wire sends as old key.
Tuple KeyOnly(const TableDefinition& table, const Tuple& tuple);
/// With one column marked unchanged.
Tuple WithUnchanged(const Tuple& tuple, size_t column);

/// Builds batches of whole transactions.
class BatchBuilder {
 public:
  BatchBuilder& Begin(Lsn commit_lsn);
  BatchBuilder& Insert(const TableSchemaPtr& table, const Tuple& row);
  BatchBuilder& Update(const TableSchemaPtr& table, OldTuple old_kind, const Tuple& old_row, const Tuple& new_row);
  BatchBuilder& Delete(const TableSchemaPtr& table, OldTuple old_kind, const Tuple& old_row);
  BatchBuilder& Truncate(const TableSchemaPtr& table);
  ChangeBatchPtr Build(bool ends_here = true);

 private:
  size_t Put(const Tuple& tuple);
  Change& Add(const TableSchemaPtr& table, Operation operation);

  std::shared_ptr<ChangeBatch> batch_ = std::make_shared<ChangeBatch>();
};

}  // namespace sluice::testing
