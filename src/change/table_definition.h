#pragma once
// Everything a destination needs to make a table like the source's. Facts from pg_catalog, typed; the
// expressions among them are the server's own deparsed text.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "change/table_fingerprint.h"
#include "change/table_schema.h"

namespace sluice {

struct NeededExtension {
  std::string name;
  std::string name_space;  ///< Where the source has installed it.
};

/// What an expression names beyond what every PostgreSQL has.
struct ExpressionNeeds {
  std::vector<NeededExtension> extensions;
  std::vector<TypePtr> types;
  std::vector<TableName> sequences;  ///< Each is in TableDefinition::sequences too.
  std::vector<std::string> foreign;  ///< All else, as the server describes it: "function app.fee(integer)".

  bool none() const { return extensions.empty() && types.empty() && sequences.empty() && foreign.empty(); }
};

/// An expression as pg_get_expr printed it under an empty search_path.
struct Expression {
  std::string sql;
  ExpressionNeeds needs;
};

/// Facts about one column that its stream does not carry. Same order as TableSchema::columns.
struct ColumnDefinition {
  std::string collation;                     ///< Quoted and qualified, only where not the type's own.
  std::optional<Expression> default_value;   ///< Absent for generated and identity columns.
  char identity = '\0';                      ///< 'a' always, 'd' by default, '\0' none.
  bool toastable = false;                    ///< May arrive as "unchanged" (attstorage is not 'p').
  uint32_t changed_by = 0;                   ///< The transaction that changed the column's definition last (xmin in pg_attribute).
};

/// A stored generated column: no source version before 18 sends it, so it stands beside the schema.
struct GeneratedColumn {
  std::string name;
  TypePtr type;
  int32_t typmod = -1;
  Expression expression;
};

enum class ConstraintKind : char { kPrimaryKey = 'p', kUnique = 'u', kExclusion = 'x', kCheck = 'c', kForeignKey = 'f' };

struct ConstraintDefinition {
  ConstraintKind kind;
  std::string name;
  Expression definition;  ///< pg_get_constraintdef: "PRIMARY KEY (id)", "EXCLUDE USING gist (…)".
};

struct IndexDefinition {
  TableName name;
  bool unique = false;
  Expression definition;  ///< pg_get_indexdef: the whole CREATE INDEX statement. Not for constraint indexes.
};

struct SequenceDefinition {
  TableName name;
  std::string data_type;
  int64_t start = 1, increment = 1, min = 1, max = 0, cache = 1;
  bool cycle = false;
  std::string owner_column;     ///< The table's column that owns it; empty where only a default uses it.
  bool is_identity = false;
  std::optional<int64_t> last_value;
  bool is_called = false;
};

/// One table that holds rows: the table itself, or a leaf of a partitioned one.
struct Leaf {
  Oid oid = 0;
  TableName name;
  uint32_t pages = 0;         ///< Main fork, at the time of reading.
  uint64_t size_bytes = 0;    ///< With TOAST: what a copy must read.
  double estimated_rows = -1; ///< reltuples; -1: never analysed.
  Oid file_node = 0;          ///< pg_class.relfilenode.
  std::string attachments;    ///< The transactions that made it, and what it is part of, partitions; empty: it is none.
  bool attached = false;      ///< Was made a partition after it was made: rows that it had then are in no stream.
};

/// A partition below a root, parents before children.
struct PartitionDefinition {
  TableName name;
  TableName parent;
  std::string bound;          ///< pg_get_expr(relpartbound): "FOR VALUES FROM (…) TO (…)" or "DEFAULT".
  std::string partition_key;  ///< pg_get_partkeydef where it is partitioned itself, else empty.
};

struct TableDefinition {
  TableSchemaPtr schema;
  std::vector<ColumnDefinition> columns;  ///< As long as schema->columns.
  std::vector<GeneratedColumn> generated;
  std::vector<ConstraintDefinition> constraints;
  std::vector<IndexDefinition> indexes;
  std::vector<SequenceDefinition> sequences;
  std::string partition_key;              ///< pg_get_partkeydef of a partitioned table, else empty.
  std::vector<PartitionDefinition> partitions;
  std::vector<Leaf> leaves;               ///< What the initial copy reads; the table itself where not partitioned.
  std::vector<size_t> primary_key;        ///< Indexes into schema->columns; empty: none.
  bool unlogged = false;
  TableFingerprint fingerprint;           ///< Of the source's table, also where the definition is mapped.

  uint64_t size_bytes() const;            ///< With TOAST: what a copy must read.
};

inline uint64_t TableDefinition::size_bytes() const {
  uint64_t bytes = 0;
  for (const Leaf& leaf : leaves) bytes += leaf.size_bytes;
  return bytes;
}

}  // namespace sluice
