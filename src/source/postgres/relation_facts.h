#pragma once
// What a RELATION message says of a table, kept beyond the message.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_schema.h"
#include "source/postgres/pgoutput_messages.h"

namespace sluice {

struct RelationFacts {
  struct ColumnFacts {
    std::string name;
    Oid type = 0;
    int32_t typmod = -1;
    bool in_key = false;

    bool operator==(const ColumnFacts&) const = default;
  };

  Oid oid = 0;
  TableName name;
  ReplicaIdentity identity = ReplicaIdentity::kDefault;
  std::vector<ColumnFacts> columns;

  bool operator==(const RelationFacts&) const = default;
};

RelationFacts FactsOf(const pgoutput::Relation& relation);

/// Turns the facts of a RELATION into a schema, with what only the catalog knows: types, attribute numbers, keys.
class SchemaResolver {
 public:
  virtual ~SchemaResolver() = default;

  /// The schema under which tuples that follow this RELATION are to be read; equal schemas are equal pointers.
  /// Called once the transaction that made the RELATION has committed, so that the catalog shows its DDL. Where the
  /// catalog has moved on since, the facts win. Error: kUnavailable.
  virtual Result<TableSchemaPtr> Resolve(const RelationFacts& facts) = 0;

  /// The stream named a type that is not built in; for types that the catalog does not have any more.
  virtual void NameType(Oid type, const TableName& name) = 0;
};

/// One RELATION and the schema made of it, once somebody needed it.
struct KnownRelation {
  RelationFacts facts;
  TableSchemaPtr schema;     ///< nullptr until first resolved.
  uint64_t batch_serial = 0; ///< The batch in which `batch_index` holds.
  uint32_t batch_index = 0;
};
using KnownRelationPtr = std::shared_ptr<KnownRelation>;

inline Status EnsureResolved(KnownRelation& relation, SchemaResolver& resolver) {
  if (relation.schema) return Ok();
  ASSIGN_OR_RETURN(relation.schema, resolver.Resolve(relation.facts));
  return Ok();
}

}  // namespace sluice
