#pragma once
// Equal schemas are the same pointer, whoever read them.

#include <map>
#include <memory>
#include <mutex>

#include "change/table_schema.h"

namespace sluice {

/// True if both say the same of every type below them; versions and pointers do not count.
bool SameType(const Type& a, const Type& b);
bool SameSchema(const TableSchema& a, const TableSchema& b);

/// The newest schema of each table. Thread-safe.
class SchemaRegistry {
 public:
  /// The known pointer where `schema` equals the newest one of its OID; otherwise `schema` with the next version.
  TableSchemaPtr Intern(TableSchema schema);

  /// nullptr: none seen.
  TableSchemaPtr Newest(Oid table) const;

 private:
  mutable std::mutex mutex_;  // Guards everything below.
  std::map<Oid, TableSchemaPtr> newest_;
  uint32_t versions_ = 0;
};

}  // namespace sluice
