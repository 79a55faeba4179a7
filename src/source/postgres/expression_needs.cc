#include "source/postgres/expression_needs.h"

#include <set>

#include "source/postgres/catalog_rows.h"
#include "source/postgres/type_reader.h"

namespace sluice {
namespace {

// pg_depend leaves out what every PostgreSQL has, and OIDs of that end at 16383. The operators of an exclusion
// constraint hang on its index, and before 15 what a generated column uses hangs on the column.
constexpr const char* kNeeds =
    "WITH expressed(kind, id, relation, classid, objid, objsubid) AS ("
    "  SELECT 'd', oid, adrelid, 'pg_attrdef'::regclass, oid, NULL::int FROM pg_attrdef WHERE adrelid = ANY($1::oid[])"
    "  UNION ALL SELECT 'd', f.oid, f.adrelid, 'pg_class'::regclass, f.adrelid, f.adnum::int FROM pg_attrdef f"
    "    JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> ''"
    "   WHERE f.adrelid = ANY($1::oid[]) AND current_setting('server_version_num')::int < 150000"
    "  UNION ALL SELECT 'c', oid, conrelid, 'pg_constraint'::regclass, oid, NULL FROM pg_constraint WHERE conrelid = ANY($1::oid[]) AND contype IN ('p', 'u', 'x', 'c')"
    "  UNION ALL SELECT 'c', oid, conrelid, 'pg_class'::regclass, conindid, NULL FROM pg_constraint WHERE conrelid = ANY($1::oid[]) AND contype IN ('p', 'u', 'x')"
    "  UNION ALL SELECT 'i', indexrelid, indrelid, 'pg_class'::regclass, indexrelid, NULL FROM pg_index WHERE indrelid = ANY($1::oid[])),"
    " named AS ("
    "  SELECT DISTINCT e.kind, e.id, e.relation, d.refclassid, d.refobjid FROM expressed e JOIN pg_depend d ON d.classid = e.classid AND d.objid = e.objid"
    "   WHERE (e.objsubid IS NULL OR d.objsubid = e.objsubid) AND d.refobjid >= 16384 AND d.refclassid <> 'pg_constraint'::regclass"
    "     AND NOT (d.refclassid = 'pg_class'::regclass AND d.refobjid = e.relation)),"
    // A row type of a table is no type of its own, and the sequence of an identity column is made by that column alone.
    " sorted AS ("
    "  SELECT n.*, x.extname, xn.nspname AS extension_namespace, r.relname, rn.nspname, coalesce(t.oid, r.reltype) AS type,"
    "    CASE WHEN x.oid IS NOT NULL THEN 'e'"
    "         WHEN t.oid IS NOT NULL AND (t.typtype <> 'c' OR tr.relkind = 'c') OR r.relkind = 'c' THEN 't'"
    "         WHEN r.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_class'::regclass AND i.objid = r.oid AND i.deptype = 'i') THEN 's'"
    "         ELSE 'f' END AS sort"
    "    FROM named n"
    "    LEFT JOIN pg_depend m ON m.classid = n.refclassid AND m.objid = n.refobjid AND m.deptype = 'e'"
    "    LEFT JOIN pg_extension x ON x.oid = m.refobjid LEFT JOIN pg_namespace xn ON xn.oid = x.extnamespace"
    "    LEFT JOIN pg_class r ON n.refclassid = 'pg_class'::regclass AND r.oid = n.refobjid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace"
    "    LEFT JOIN pg_type t ON n.refclassid = 'pg_type'::regclass AND t.oid = n.refobjid LEFT JOIN pg_class tr ON tr.oid = t.typrelid)"
    "SELECT DISTINCT kind, id, relation, sort,"
    "  CASE sort WHEN 't' THEN type WHEN 's' THEN refobjid END,"
    "  CASE sort WHEN 'e' THEN extension_namespace WHEN 's' THEN nspname END,"
    "  CASE sort WHEN 'e' THEN extname WHEN 's' THEN relname WHEN 'f' THEN pg_describe_object(refclassid, refobjid, 0) END"
    "  FROM sorted ORDER BY 1, 2, 4, 6, 7";

}  // namespace

Result<NeedsOfTables> ReadNeeds(PgConnection& connection, const std::string& oids) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kNeeds, {oids}));
  std::set<Oid> type_oids;
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    if (CharAt(rows, row, 3) == 't') type_oids.insert(OidAt(rows, row, 4));
  TypesByOid types;
  if (!type_oids.empty()) {
    ASSIGN_OR_RETURN(types, ReadTypes(connection, {type_oids.begin(), type_oids.end()}));
  }
  NeedsOfTables all;
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    ExpressionNeeds& needs = all.by_object[{static_cast<Expressed>(CharAt(rows, row, 0)), OidAt(rows, row, 1)}];
    switch (CharAt(rows, row, 3)) {
      case 'e':
        needs.extensions.push_back({TextAt(rows, row, 6), TextAt(rows, row, 5)});
        break;
      case 't':
        if (const auto type = types.find(OidAt(rows, row, 4)); type != types.end() && type->second) needs.types.push_back(type->second);
        break;
      case 's':
        needs.sequences.push_back({TextAt(rows, row, 5), TextAt(rows, row, 6)});
        all.sequences.push_back({OidAt(rows, row, 2), OidAt(rows, row, 4)});
        break;
      default:
        needs.foreign.push_back(TextAt(rows, row, 6));
    }
  }
  return all;
}

}  // namespace sluice
