#include "sink/replica/partition_names.h"

#include "observability/log.h"
#include "postgres/quote.h"
#include "sink/replica/sequences.h"

namespace sluice {
namespace {

struct Place {
  TableName parent, root;
};

Result<std::optional<Place>> FindPlace(PgConnection& connection, const TableName& name) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT pn.nspname, p.relname, rn.nspname, r.relname FROM pg_catalog.pg_inherits i"
                                      " JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace"
                                      " JOIN pg_catalog.pg_class r ON r.oid = pg_catalog.pg_partition_root(i.inhrelid) JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace"
                                      " WHERE i.inhrelid = pg_catalog.to_regclass($1)",
                                      {QuoteName(name)}));
  if (PQntuples(rows.get()) != 1) return std::optional<Place>();
  return std::optional(Place{{std::string(Field(rows, 0, 0)), std::string(Field(rows, 0, 1))}, {std::string(Field(rows, 0, 2)), std::string(Field(rows, 0, 3))}});
}

Status Drop(PgConnection& connection, const TableName& name) {
  log::Info("replica", "replica.leftover_dropped", "a table that the source has in another place is dropped", {{"table", ToString(name)}});
  RETURN_IF_ERROR(KeepUsedSequences(connection, name));
  RETURN_IF_ERROR(connection.Execute("DROP TABLE IF EXISTS " + QuoteName(name)));
  return ForgetTable(connection, name);
}

}  // namespace

Result<std::optional<TableOrigin>> DetachFormerPartition(PgConnection& connection, const TableName& name) {
  ASSIGN_OR_RETURN(const auto place, FindPlace(connection, name));
  if (!place) return std::optional<TableOrigin>();
  ASSIGN_OR_RETURN(const auto root, FindOrigin(connection, place->root));
  if (!root || !root->made_by_us || root->followed) return std::optional<TableOrigin>();
  RETURN_IF_ERROR(connection.Execute("ALTER TABLE " + QuoteName(place->parent) + " DETACH PARTITION " + QuoteName(name)));
  const TableOrigin origin{.made_by_us = true, .filled = root->filled};
  RETURN_IF_ERROR(RecordPreparing(connection, name, origin));
  return std::optional(origin);
}

Status FreeNameForPartition(PgConnection& connection, const TableName& name) {
  ASSIGN_OR_RETURN(const auto alone, FindOrigin(connection, name));
  if (alone) return alone->made_by_us ? Drop(connection, name) : Ok();
  ASSIGN_OR_RETURN(const auto place, FindPlace(connection, name));
  if (!place) return Ok();
  ASSIGN_OR_RETURN(const auto root, FindOrigin(connection, place->root));
  if (!root || !root->made_by_us) return Ok();
  if (!root->filled) return Drop(connection, place->root);  // What an unfinished copy has left is of no use to anybody.
  // Rows that the followed table still gets for it would go to its default partition and stay there.
  if (root->followed) {
    log::Info("replica", "replica.partition_taken", "a table is copied again, since one of its partitions is in another by now", {{"table", ToString(place->root)}});
    RETURN_IF_ERROR(ForgetCopy(connection, place->root));
  }
  return Drop(connection, name);
}

}  // namespace sluice
