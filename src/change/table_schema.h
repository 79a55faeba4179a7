#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "change/type.h"

namespace sluice {

/// PostgreSQL's two-part name. "Schema" means TableSchema here, so the first part is the namespace.
struct TableName {
  std::string name_space;
  std::string name;

  auto operator<=>(const TableName&) const = default;
};

/// For people: `public.shot`. Never for SQL: see postgres/quote.h.
inline std::string ToString(const TableName& table) { return table.name_space + "." + table.name; }

struct Column {
  std::string name;
  int16_t attribute_number = 0;  ///< pg_attribute.attnum: survives a rename, never reused. 0: not known.
  TypePtr type;
  int32_t typmod = -1;
  bool not_null = false;
  bool fills_old_rows = false;   ///< Has a default or is an identity: where it is new, old rows may hold something in it.
  std::optional<std::string> old_rows_hold = {};  ///< As the source prints it (attmissingval), where all old rows hold the same.
};

enum class ReplicaIdentity : char { kDefault = 'd', kNothing = 'n', kFull = 'f', kIndex = 'i' };

/// A table's columns, types and key, at one version, in the order in which tuples carry them. Immutable.
struct TableSchema {
  Oid oid = 0;  ///< Of the table in the source; for a partitioned table its root.
  TableName name;
  std::vector<Column> columns;
  /// Indexes into `columns` of what identifies a row: the replica identity index or primary key; empty where
  /// only the whole row does (kFull without a primary key) or nothing does (append only).
  std::vector<size_t> key;
  ReplicaIdentity replica_identity = ReplicaIdentity::kDefault;
  uint32_t version = 0;  ///< Counts the versions seen by one process; equal pointers are equal versions.

  bool has_key() const { return !key.empty(); }
  bool append_only() const { return key.empty() && replica_identity != ReplicaIdentity::kFull; }
};
using TableSchemaPtr = std::shared_ptr<const TableSchema>;

}  // namespace sluice
