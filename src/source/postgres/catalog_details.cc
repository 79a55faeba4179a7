#include "source/postgres/catalog_details.h"

#include "source/postgres/catalog_rows.h"

namespace sluice {
namespace {

constexpr const char* kConstraints =
    "SELECT c.conrelid, c.contype, c.conname, pg_get_constraintdef(c.oid), c.oid"
    "  FROM pg_constraint c WHERE c.conrelid = ANY($1::oid[]) AND c.contype IN ('p', 'u', 'x', 'c', 'f') ORDER BY c.conrelid, c.contype, c.conname";

// The root of a partitioned index prints itself as ON ONLY, which would make an index that is never valid.
constexpr const char* kIndexes =
    "SELECT i.indrelid, n.nspname, c.relname, i.indisunique,"
    "  CASE WHEN c.relkind = 'I' THEN regexp_replace(left(x.def, x.head), ' ON ONLY $', ' ON ') || substr(x.def, x.head + 1) ELSE x.def END,"
    "  i.indexrelid"
    "  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    "  CROSS JOIN LATERAL (SELECT pg_get_indexdef(i.indexrelid) AS def, length('CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(c.relname) || ' ON ONLY ') AS head) x"
    " WHERE i.indrelid = ANY($1::oid[]) AND i.indisvalid"
    "   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) ORDER BY i.indrelid, c.relname";

// $2 and $3: pairs of a table and a sequence that its expressions use. Its owner may be another table.
constexpr const char* kSequences =
    "WITH wanted(relation, sequence, attribute, identity) AS ("
    "  SELECT d.refobjid, d.objid, d.refobjsubid, d.deptype = 'i' FROM pg_depend d"
    "   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjid = ANY($1::oid[])"
    "  UNION ALL SELECT u.relation, u.sequence, NULL, false FROM (SELECT DISTINCT * FROM unnest($2::oid[], $3::oid[])) u(relation, sequence)"
    "   WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = u.sequence AND d.deptype = 'a'"
    "      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = u.relation))"
    "SELECT w.relation, n.nspname, c.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,"
    "  s.seqcycle, a.attname, w.identity,"
    "  CASE WHEN has_sequence_privilege(c.oid, 'SELECT') OR has_sequence_privilege(c.oid, 'USAGE') THEN pg_sequence_last_value(c.oid) END"
    "  FROM wanted w JOIN pg_class c ON c.oid = w.sequence AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace"
    "  JOIN pg_sequence s ON s.seqrelid = c.oid LEFT JOIN pg_attribute a ON a.attrelid = w.relation AND a.attnum = w.attribute"
    " ORDER BY w.relation, w.attribute, n.nspname, c.relname";

constexpr const char* kPartitions =
    "SELECT root.oid, c.oid, n.nspname, c.relname, pn.nspname, pc.relname, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid)"
    "  FROM unnest($1::oid[]) root(oid) CROSS JOIN LATERAL pg_partition_tree(root.oid) p"
    "  JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
    "  JOIN pg_class pc ON pc.oid = p.parentrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace"
    " ORDER BY root.oid, p.level, n.nspname, c.relname";

// Foreign tables may be partitions too, but nothing of them is in the log.
constexpr const char* kSizes =
    "WITH leaf AS ("
    "  SELECT oid AS root, oid FROM pg_class WHERE oid = ANY($1::oid[]) AND relkind = 'r'"
    "  UNION ALL SELECT root.oid, p.relid FROM unnest($1::oid[]) root(oid) CROSS JOIN LATERAL pg_partition_tree(root.oid) p WHERE p.isleaf)"
    "SELECT leaf.root, c.oid, n.nspname, c.relname, pg_relation_size(c.oid) / current_setting('block_size')::bigint, pg_table_size(c.oid), c.reltuples, c.relfilenode,"
    // The row of a system column keeps the transaction and command that made the table, that of the inheritance the transaction
    // which made it a partition; attaching writes the rows of the other columns again. What is no partition may have many parents.
    "  coalesce((SELECT h.xmin <> made.xmin OR (first.xmin = made.xmin AND NOT first.cmin = made.cmin) FROM pg_inherits h, pg_attribute made, pg_attribute first"
    "    WHERE c.relispartition AND h.inhrelid = c.oid AND made.attrelid = c.oid AND made.attnum = -1 AND first.attrelid = c.oid AND first.attnum = 1), false),"
    "  CASE WHEN c.relispartition THEN (SELECT string_agg(h.xmin::text, ' ' ORDER BY h.inhrelid) FROM pg_partition_ancestors(c.oid) a JOIN pg_inherits h ON h.inhrelid = a.relid) END"
    "  FROM leaf JOIN pg_class c ON c.oid = leaf.oid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY leaf.root, n.nspname, c.relname";

TableName NameAt(const PgResult& rows, int row, int column) { return {TextAt(rows, row, column), TextAt(rows, row, column + 1)}; }

}  // namespace

Status ReadConstraints(PgConnection& connection, const std::string& oids, const NeedsOfTables& needs, const DefinitionsByOid& tables) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kConstraints, {oids}));
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    tables.at(OidAt(rows, row, 0))->constraints.push_back({static_cast<ConstraintKind>(CharAt(rows, row, 1)), TextAt(rows, row, 2), {TextAt(rows, row, 3), needs.Of(Expressed::kConstraint, OidAt(rows, row, 4))}});
  return Ok();
}

Status ReadIndexes(PgConnection& connection, const std::string& oids, const NeedsOfTables& needs, const DefinitionsByOid& tables) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kIndexes, {oids}));
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    tables.at(OidAt(rows, row, 0))->indexes.push_back({NameAt(rows, row, 1), BoolAt(rows, row, 3), {TextAt(rows, row, 4), needs.Of(Expressed::kIndex, OidAt(rows, row, 5))}});
  return Ok();
}

Status ReadSequences(PgConnection& connection, const std::string& oids, const NeedsOfTables& needs, const DefinitionsByOid& tables) {
  std::vector<Oid> users;
  std::vector<Oid> used;
  for (const UsedSequence& use : needs.sequences) {
    users.push_back(use.table);
    used.push_back(use.sequence);
  }
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kSequences, {oids, OidArray(users), OidArray(used)}));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    SequenceDefinition sequence;
    sequence.name = NameAt(rows, row, 1);
    sequence.data_type = TextAt(rows, row, 3);
    sequence.start = NumberAt<int64_t>(rows, row, 4);
    sequence.increment = NumberAt<int64_t>(rows, row, 5);
    sequence.min = NumberAt<int64_t>(rows, row, 6);
    sequence.max = NumberAt<int64_t>(rows, row, 7);
    sequence.cache = NumberAt<int64_t>(rows, row, 8);
    sequence.cycle = BoolAt(rows, row, 9);
    sequence.owner_column = TextAt(rows, row, 10);
    sequence.is_identity = BoolAt(rows, row, 11);
    if (!IsNull(rows, row, 12)) {
      sequence.last_value = NumberAt<int64_t>(rows, row, 12);
      sequence.is_called = true;
    }
    tables.at(OidAt(rows, row, 0))->sequences.push_back(std::move(sequence));
  }
  return Ok();
}

Status ReadPartitions(PgConnection& connection, const std::string& oids, const DefinitionsByOid& tables) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kPartitions, {oids}));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    if (OidAt(rows, row, 0) == OidAt(rows, row, 1)) continue;
    tables.at(OidAt(rows, row, 0))->partitions.push_back({NameAt(rows, row, 2), NameAt(rows, row, 4), TextAt(rows, row, 6), TextAt(rows, row, 7)});
  }
  return Ok();
}

Status ReadSizes(PgConnection& connection, const std::string& oids, const DefinitionsByOid& tables) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kSizes, {oids}));
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    tables.at(OidAt(rows, row, 0))->leaves.push_back({OidAt(rows, row, 1), NameAt(rows, row, 2), NumberAt<uint32_t>(rows, row, 4), NumberAt<uint64_t>(rows, row, 5), NumberAt<double>(rows, row, 6), OidAt(rows, row, 7), TextAt(rows, row, 9), BoolAt(rows, row, 8)});
  return Ok();
}

}  // namespace sluice
