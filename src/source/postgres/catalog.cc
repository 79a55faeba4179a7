#include "source/postgres/catalog.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "source/postgres/catalog_details.h"
#include "source/postgres/catalog_rows.h"
#include "source/postgres/expression_needs.h"

namespace sluice {
namespace {

constexpr const char* kTables =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident, pg_get_partkeydef(c.oid)"
    "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'"
    "   AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'sluice')"
    "   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
    " ORDER BY n.nspname, c.relname";

constexpr const char* kColumns =
    "SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attstorage,"
    "  (SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace"
    "    WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation),"
    "  pg_get_expr(d.adbin, d.adrelid), d.oid, a.xmin, (a.attmissingval::text::text[])[1]"
    "  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum";

// Only what may identify a row: a deferrable primary key may not.
constexpr const char* kKeys =
    "SELECT i.indrelid, i.indkey::text, i.indnkeyatts, i.indisprimary, i.indisreplident, i.indimmediate FROM pg_index i"
    " WHERE i.indrelid = ANY($1::oid[]) AND i.indisvalid AND (i.indisprimary OR i.indisreplident)";

/// A definition before its schema is shared.
struct Draft {
  TableSchema schema;
  TableDefinition definition;
  std::map<int16_t, size_t> index_of_attribute;
};
using Drafts = std::map<Oid, Draft>;

void AddColumn(const PgResult& rows, int row, const TypesByOid& types, const NeedsOfTables& needs, Draft& draft) {
  const auto type = types.find(OidAt(rows, row, 3));
  const TypePtr known = type == types.end() ? nullptr : type->second;
  const auto typmod = NumberAt<int32_t>(rows, row, 4);
  Expression expression{TextAt(rows, row, 10), needs.Of(Expressed::kDefault, OidAt(rows, row, 11))};
  const char generated = CharAt(rows, row, 7);
  if (generated != '\0') {
    // A virtual one (18) is stored nowhere, but its expression makes an equal column at the destination.
    draft.definition.generated.push_back({TextAt(rows, row, 2), known, typmod, std::move(expression)});
    return;
  }
  Column column{TextAt(rows, row, 2), NumberAt<int16_t>(rows, row, 1), known, typmod, BoolAt(rows, row, 5)};
  ColumnDefinition definition;
  definition.collation = TextAt(rows, row, 9);
  if (!IsNull(rows, row, 10)) definition.default_value = std::move(expression);
  definition.identity = CharAt(rows, row, 6);
  definition.toastable = CharAt(rows, row, 8) != 'p';
  definition.changed_by = NumberAt<uint32_t>(rows, row, 12);
  column.fills_old_rows = definition.identity != '\0' || definition.default_value.has_value();
  if (!IsNull(rows, row, 13)) column.old_rows_hold = TextAt(rows, row, 13);
  draft.index_of_attribute[column.attribute_number] = draft.schema.columns.size();
  draft.schema.columns.push_back(std::move(column));
  draft.definition.columns.push_back(std::move(definition));
}

Status ReadColumns(PgConnection& connection, const std::string& oids, const NeedsOfTables& needs, Drafts& drafts) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kColumns, {oids}));
  std::set<Oid> type_oids;
  for (int row = 0; row < PQntuples(rows.get()); ++row) type_oids.insert(OidAt(rows, row, 3));
  ASSIGN_OR_RETURN(const TypesByOid types, ReadTypes(connection, {type_oids.begin(), type_oids.end()}));
  for (int row = 0; row < PQntuples(rows.get()); ++row) AddColumn(rows, row, types, needs, drafts.at(OidAt(rows, row, 0)));
  return Ok();
}

/// Empty if a column of the key is not in the schema, since then no tuple carries it.
std::vector<size_t> KeyOf(const Draft& draft, std::string_view attributes, size_t count) {
  std::vector<size_t> key;
  const std::vector<int16_t> numbers = NumbersOf(attributes);
  for (size_t i = 0; i < std::min(count, numbers.size()); ++i) {
    const auto found = draft.index_of_attribute.find(numbers[i]);
    if (found == draft.index_of_attribute.end()) return {};
    key.push_back(found->second);
  }
  return key;
}

Status ReadKeys(PgConnection& connection, const std::string& oids, Drafts& drafts) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kKeys, {oids}));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    Draft& draft = drafts.at(OidAt(rows, row, 0));
    const std::vector<size_t> key = KeyOf(draft, Field(rows, row, 1), NumberAt<size_t>(rows, row, 2));
    const bool primary = BoolAt(rows, row, 3);
    const bool identifies = BoolAt(rows, row, 5);
    if (primary) draft.definition.primary_key = key;
    const ReplicaIdentity identity = draft.schema.replica_identity;
    if (primary && identifies && (identity == ReplicaIdentity::kDefault || identity == ReplicaIdentity::kFull)) draft.schema.key = key;
    if (BoolAt(rows, row, 4) && identity == ReplicaIdentity::kIndex) draft.schema.key = key;
  }
  return Ok();
}

std::string OidsOf(const std::vector<ListedTable>& tables) {
  std::vector<Oid> oids;
  for (const ListedTable& table : tables) oids.push_back(table.oid);
  return OidArray(oids);
}

Result<Drafts> ReadDrafts(PgConnection& connection, const std::vector<ListedTable>& tables, const NeedsOfTables& needs) {
  Drafts drafts;
  for (const ListedTable& table : tables) {
    Draft& draft = drafts[table.oid];
    draft.schema.oid = table.oid;
    draft.schema.name = table.name;
    draft.schema.replica_identity = table.identity;
    draft.definition.partition_key = table.partition_key;
    draft.definition.unlogged = table.unlogged;
  }
  const std::string array = OidsOf(tables);
  RETURN_IF_ERROR(ReadColumns(connection, array, needs, drafts));
  RETURN_IF_ERROR(ReadKeys(connection, array, drafts));
  return drafts;
}

}  // namespace

Result<std::vector<ListedTable>> ListTables(PgConnection& connection) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kTables));
  std::vector<ListedTable> tables;
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    tables.push_back({.oid = OidAt(rows, row, 0),
                      .name = {TextAt(rows, row, 1), TextAt(rows, row, 2)},
                      .partitioned = CharAt(rows, row, 3) == 'p',
                      .unlogged = CharAt(rows, row, 4) == 'u',
                      .identity = static_cast<ReplicaIdentity>(CharAt(rows, row, 5)),
                      .partition_key = TextAt(rows, row, 6)});
  return tables;
}

Result<std::vector<TableDefinition>> ReadDefinitions(PgConnection& connection, const std::vector<ListedTable>& tables, SchemaRegistry& schemas) {
  const std::string array = OidsOf(tables);
  ASSIGN_OR_RETURN(const NeedsOfTables needs, ReadNeeds(connection, array));
  ASSIGN_OR_RETURN(Drafts drafts, ReadDrafts(connection, tables, needs));
  DefinitionsByOid definitions;
  for (auto& [oid, draft] : drafts) definitions[oid] = &draft.definition;
  RETURN_IF_ERROR(ReadConstraints(connection, array, needs, definitions));
  RETURN_IF_ERROR(ReadIndexes(connection, array, needs, definitions));
  RETURN_IF_ERROR(ReadSequences(connection, array, needs, definitions));
  RETURN_IF_ERROR(ReadPartitions(connection, array, definitions));
  RETURN_IF_ERROR(ReadSizes(connection, array, definitions));
  std::vector<TableDefinition> read;
  for (const ListedTable& table : tables) {
    Draft& draft = drafts.at(table.oid);
    draft.definition.schema = schemas.Intern(std::move(draft.schema));
    draft.definition.fingerprint = FingerprintOf(draft.definition);
    read.push_back(std::move(draft.definition));
  }
  return read;
}

Result<std::optional<TableSchema>> ReadSchema(PgConnection& connection, Oid table) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT n.nspname, c.relname, c.relreplident FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid", {std::to_string(table)}));
  if (PQntuples(rows.get()) == 0) return std::optional<TableSchema>();
  ListedTable listed;
  listed.oid = table;
  listed.name = {TextAt(rows, 0, 0), TextAt(rows, 0, 1)};
  listed.identity = static_cast<ReplicaIdentity>(CharAt(rows, 0, 2));
  ASSIGN_OR_RETURN(Drafts drafts, ReadDrafts(connection, {listed}, {}));
  return std::optional(std::move(drafts.at(table).schema));
}

}  // namespace sluice
