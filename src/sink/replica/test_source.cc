#include "sink/replica/test_source.h"

#include <algorithm>
#include <stdexcept>

#include "base/bytes.h"
#include "postgres/quote.h"
#include "sink/replica/destination_table.h"

namespace sluice::testing {
namespace {

PgConnection Connected(const std::string& dsn) {
  auto connection = PgConnection::Connect(dsn);
  if (!connection.ok()) throw std::runtime_error(connection.error().message);
  return std::move(connection).value();
}

PgResult Must(Result<PgResult> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message + ": " + result.error().evidence);
  return std::move(result).value();
}

Oid ToOid(std::string_view text) { return static_cast<Oid>(std::stoul(std::string(text))); }

TypeKind KindOf(char kind, bool is_array) {
  if (is_array) return TypeKind::kArray;
  switch (kind) {
    case 'e': return TypeKind::kEnum;
    case 'd': return TypeKind::kDomain;
    case 'c': return TypeKind::kComposite;
    case 'r': return TypeKind::kRange;
    case 'm': return TypeKind::kMultirange;
    default: return TypeKind::kBase;
  }
}

}  // namespace

TestSource::TestSource(const std::string& dsn) : connection_(Connected(dsn)) {}

void TestSource::Run(const std::string& sql) { Must(connection_.Execute(sql)); }

std::string TestSource::Value(const std::string& sql) {
  auto value = connection_.QueryValue(sql);
  if (!value.ok()) throw std::runtime_error(value.error().evidence);
  return *value;
}

TypePtr TestSource::TypeOf(Oid oid) {
  if (const auto known = types_.find(oid); known != types_.end()) return known->second;
  const PgResult row = Must(connection_.Execute(
      "SELECT n.nspname, t.typname, t.typtype, t.typelem, t.typsubscript = 'array_subscript_handler'::regproc,"
      " t.typsend <> 0 AND t.typreceive <> 0, t.typbasetype, t.typtypmod, t.typrelid, coalesce(r.rngsubtype, m.rngtypid, 0),"
      " coalesce((SELECT extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid ="
      " 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'), '')"
      " FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_range r ON r.rngtypid = t.oid"
      " LEFT JOIN pg_range m ON m.rngmultitypid = t.oid WHERE t.oid = " + std::to_string(oid)));
  auto type = std::make_shared<Type>();
  type->oid = oid;
  type->name_space = Field(row, 0, 0);
  type->name = Field(row, 0, 1);
  type->kind = KindOf(Field(row, 0, 2).front(), Field(row, 0, 4) == "t");
  type->has_binary = Field(row, 0, 5) == "t";
  type->extension = Field(row, 0, 10);
  type->element_typmod = std::stoi(std::string(Field(row, 0, 7)));
  if (type->kind == TypeKind::kArray) type->element = TypeOf(ToOid(Field(row, 0, 3)));
  if (type->kind == TypeKind::kDomain) type->element = TypeOf(ToOid(Field(row, 0, 6)));
  if (type->kind == TypeKind::kRange || type->kind == TypeKind::kMultirange) type->element = TypeOf(ToOid(Field(row, 0, 9)));
  if (type->element && !type->element->has_binary) type->has_binary = false;
  if (type->kind == TypeKind::kEnum) {
    const PgResult labels = Must(connection_.Execute("SELECT enumlabel FROM pg_enum WHERE enumtypid = " + std::to_string(oid) + " ORDER BY enumsortorder"));
    for (int i = 0; i < PQntuples(labels.get()); ++i) type->labels.emplace_back(Field(labels, i, 0));
  }
  if (type->kind == TypeKind::kComposite) {
    const PgResult fields = Must(connection_.Execute("SELECT attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid = " +
                                                     std::string(Field(row, 0, 8)) + " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"));
    for (int i = 0; i < PQntuples(fields.get()); ++i)
      type->fields.push_back({std::string(Field(fields, i, 0)), TypeOf(ToOid(Field(fields, i, 1))), std::stoi(std::string(Field(fields, i, 2)))});
  }
  return types_[oid] = type;
}

TableDefinition TestSource::Describe(const std::string& name_space, const std::string& name) {
  const PgResult table = Must(connection_.Execute("SELECT c.oid, c.relreplident, CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END"
                                                  " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
                                                  {name_space, name}));
  if (PQntuples(table.get()) != 1) throw std::runtime_error("no table " + name);
  const std::string id(Field(table, 0, 0));
  auto schema = std::make_shared<TableSchema>();
  schema->oid = ToOid(id);
  schema->name = {name_space, name};
  schema->replica_identity = static_cast<ReplicaIdentity>(Field(table, 0, 1).front());
  TableDefinition definition;
  definition.partition_key = Field(table, 0, 2);
  const PgResult columns = Must(connection_.Execute(
      "SELECT a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)"
      " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = " + id +
      " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"));
  for (int i = 0; i < PQntuples(columns.get()); ++i) {
    const std::string_view identity = Field(columns, i, 5);
    const TypePtr type = TypeOf(ToOid(Field(columns, i, 2)));
    const int typmod = std::stoi(std::string(Field(columns, i, 3)));
    if (!Field(columns, i, 6).empty()) {
      definition.generated.push_back({std::string(Field(columns, i, 0)), type, typmod, {std::string(Field(columns, i, 7)), {}}});
      continue;
    }
    schema->columns.push_back({std::string(Field(columns, i, 0)), static_cast<int16_t>(std::stoi(std::string(Field(columns, i, 1)))),
                               type, typmod, Field(columns, i, 4) == "t"});
    ColumnDefinition column;
    column.identity = identity.empty() ? '\0' : identity.front();
    if (!IsNull(columns, i, 7) && Field(columns, i, 7).find("nextval") == std::string_view::npos)
      column.default_value = Expression{std::string(Field(columns, i, 7)), {}};
    definition.columns.push_back(column);
  }
  const PgResult key = Must(connection_.Execute(
      "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[])"
      " WHERE i.indrelid = " + id + " AND " + (schema->replica_identity == ReplicaIdentity::kIndex ? "i.indisreplident" : "i.indisprimary")));
  for (int i = 0; i < PQntuples(key.get()); ++i)
    for (size_t c = 0; c < schema->columns.size(); ++c)
      if (schema->columns[c].name == Field(key, i, 0)) schema->key.push_back(c);
  std::sort(schema->key.begin(), schema->key.end());
  definition.schema = schema;
  DescribeConstraints(definition, id);
  DescribePartitions(definition, id);
  return definition;
}

void TestSource::DescribeConstraints(TableDefinition& definition, const std::string& id) {
  const PgResult constraints = Must(connection_.Execute("SELECT contype, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = " + id +
                                                        " AND contype IN ('p', 'u', 'x', 'c')"));
  for (int i = 0; i < PQntuples(constraints.get()); ++i)
    definition.constraints.push_back({static_cast<ConstraintKind>(Field(constraints, i, 0).front()), std::string(Field(constraints, i, 1)),
                                      {std::string(Field(constraints, i, 2)), {}}});
  const PgResult indexes = Must(connection_.Execute(
      "SELECT n.nspname, c.relname, i.indisunique, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
      " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = " + id +
      " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)"));
  for (int i = 0; i < PQntuples(indexes.get()); ++i)
    definition.indexes.push_back({{std::string(Field(indexes, i, 0)), std::string(Field(indexes, i, 1))}, Field(indexes, i, 2) == "t",
                                  {std::string(Field(indexes, i, 3)), {}}});
}

void TestSource::DescribePartitions(TableDefinition& definition, const std::string& id) {
  if (definition.partition_key.empty()) return;
  const PgResult rows = Must(connection_.Execute(
      "SELECT n.nspname, c.relname, pn.nspname, p.relname, pg_get_expr(c.relpartbound, c.oid), coalesce(pg_get_partkeydef(c.oid), '')"
      " FROM pg_partition_tree(" + id + ") t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
      " JOIN pg_class p ON p.oid = t.parentrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE t.level > 0 ORDER BY t.level"));
  for (int i = 0; i < PQntuples(rows.get()); ++i)
    definition.partitions.push_back({{std::string(Field(rows, i, 0)), std::string(Field(rows, i, 1))},
                                     {std::string(Field(rows, i, 2)), std::string(Field(rows, i, 3))},
                                     std::string(Field(rows, i, 4)), std::string(Field(rows, i, 5))});
}

std::vector<std::string> TestSource::CopyRows(const TableDefinition& table, const std::string& where, bool text) {
  std::string columns;
  for (const Column& column : table.schema->columns)
    columns += (columns.empty() ? "" : ", ") + QuoteIdentifier(column.name) + (text || TravelsAsText(*column.type) ? "::text" : "");
  Must(connection_.Execute("COPY (SELECT " + columns + " FROM " + QuoteName(table.schema->name) + " WHERE " + where + ") TO STDOUT (FORMAT binary)"));
  std::vector<std::string> rows;
  size_t skip = 19;
  char* raw = nullptr;
  int size = 0;
  while ((size = connection_.NextCopyData(&raw)) > 0) {
    std::string row(raw + skip, static_cast<size_t>(size) - skip);
    skip = 0;
    PQfreemem(raw);
    if (row.size() > 2) rows.push_back(std::move(row));
  }
  while (connection_.NextResult()) {
  }
  return rows;
}

std::vector<Tuple> TestSource::Rows(const TableDefinition& table, const std::string& where, bool text) {
  std::vector<Tuple> tuples;
  for (const std::string& row : CopyRows(table, where, text)) {
    ByteReader reader(AsBytes(row));
    Tuple tuple;
    AppendBigEndian<int16_t>(tuple, reader.Read<int16_t>());
    for (const Column& column : table.schema->columns) {
      const auto length = reader.Read<int32_t>();
      if (length < 0) {
        tuple += 'n';
        continue;
      }
      tuple += text || TravelsAsText(*column.type) ? 't' : 'b';
      AppendBigEndian<int32_t>(tuple, length);
      tuple += AsText(reader.ReadBytes(static_cast<size_t>(length)));
    }
    tuples.push_back(std::move(tuple));
  }
  return tuples;
}

Tuple TestSource::Row(const TableDefinition& table, const std::string& where) {
  std::vector<Tuple> rows = Rows(table, where);
  if (rows.size() != 1) throw std::runtime_error("expected one row where " + where);
  return std::move(rows.front());
}

void TestSource::CopyTo(const TableDefinition& table, RowReceiver& receiver) {
  for (const std::string& row : CopyRows(table, "true", false)) {
    const Status taken = receiver.Rows(AsBytes(row), 1);
    if (!taken.ok()) throw std::runtime_error(taken.error().message);
  }
}

Tuple KeyOnly(const TableDefinition& table, const Tuple& tuple) {
  TupleReader reader(AsBytes(tuple).data());
  Tuple key;
  AppendBigEndian<int16_t>(key, static_cast<int16_t>(reader.columns()));
  for (size_t i = 0; i < reader.columns(); ++i) {
    const Value value = reader.Next();
    const bool in_key = std::find(table.schema->key.begin(), table.schema->key.end(), i) != table.schema->key.end();
    if (!in_key || value.kind == ValueKind::kNull) {
      key += 'n';
      continue;
    }
    key += static_cast<char>(value.kind);
    AppendBigEndian<int32_t>(key, static_cast<int32_t>(value.bytes.size()));
    key += AsText(value.bytes);
  }
  return key;
}

Tuple WithUnchanged(const Tuple& tuple, size_t column) {
  TupleReader reader(AsBytes(tuple).data());
  Tuple changed;
  AppendBigEndian<int16_t>(changed, static_cast<int16_t>(reader.columns()));
  for (size_t i = 0; i < reader.columns(); ++i) {
    const Value value = reader.Next();
    if (i == column) {
      changed += 'u';
    } else if (value.kind == ValueKind::kNull || value.kind == ValueKind::kUnchanged) {
      changed += static_cast<char>(value.kind);
    } else {
      changed += static_cast<char>(value.kind);
      AppendBigEndian<int32_t>(changed, static_cast<int32_t>(value.bytes.size()));
      changed += AsText(value.bytes);
    }
  }
  return changed;
}

size_t BatchBuilder::Put(const Tuple& tuple) {
  const size_t at = batch_->bytes.size();
  const Bytes bytes = AsBytes(tuple);
  batch_->bytes.insert(batch_->bytes.end(), bytes.begin(), bytes.end());
  return at;
}

Change& BatchBuilder::Add(const TableSchemaPtr& table, Operation operation) {
  auto& tables = batch_->tables;
  auto found = std::find(tables.begin(), tables.end(), table);
  if (found == tables.end()) found = tables.insert(tables.end(), table);
  Change change;
  change.operation = operation;
  change.table = static_cast<uint32_t>(found - tables.begin());
  batch_->changes.push_back(change);
  ++batch_->transactions.back().change_count;
  return batch_->changes.back();
}

BatchBuilder& BatchBuilder::Begin(Lsn commit_lsn) {
  Transaction transaction;
  transaction.commit_lsn = commit_lsn;
  transaction.end_lsn = Lsn{commit_lsn.value + 8};
  transaction.first_change = batch_->changes.size();
  batch_->transactions.push_back(transaction);
  return *this;
}

BatchBuilder& BatchBuilder::Insert(const TableSchemaPtr& table, const Tuple& row) {
  const size_t at = Put(row);
  Add(table, Operation::kInsert).new_offset = at;
  return *this;
}

BatchBuilder& BatchBuilder::Update(const TableSchemaPtr& table, OldTuple old_kind, const Tuple& old_row, const Tuple& new_row) {
  const size_t old_at = old_kind == OldTuple::kNone ? 0 : Put(old_row);
  const size_t new_at = Put(new_row);
  Change& change = Add(table, Operation::kUpdate);
  change.old_kind = old_kind;
  change.old_offset = old_at;
  change.new_offset = new_at;
  return *this;
}

BatchBuilder& BatchBuilder::Delete(const TableSchemaPtr& table, OldTuple old_kind, const Tuple& old_row) {
  const size_t at = Put(old_row);
  Change& change = Add(table, Operation::kDelete);
  change.old_kind = old_kind;
  change.old_offset = at;
  return *this;
}

BatchBuilder& BatchBuilder::Truncate(const TableSchemaPtr& table) {
  Add(table, Operation::kTruncate);
  return *this;
}

ChangeBatchPtr BatchBuilder::Build(bool ends_here) {
  batch_->transactions.back().ends_here = ends_here;
  if (ends_here) batch_->end_lsn = batch_->transactions.back().end_lsn;
  return std::exchange(batch_, std::make_shared<ChangeBatch>());
}

}  // namespace sluice::testing
