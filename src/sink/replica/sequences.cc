#include "sink/replica/sequences.h"

#include <fmt/format.h>

#include "postgres/quote.h"

namespace sluice {
namespace {

constexpr const char* kUsedElsewhere =
    "SELECT sn.nspname, s.relname FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace"
    " JOIN pg_catalog.pg_depend o ON o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.refobjid = t.oid"
    "  AND o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.deptype = 'a'"
    " JOIN pg_catalog.pg_class s ON s.oid = o.objid AND s.relkind = 'S' JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace"
    " WHERE tn.nspname = $1 AND t.relname = $2 AND EXISTS (SELECT FROM pg_catalog.pg_depend u"
    "  JOIN pg_catalog.pg_attrdef d ON d.oid = u.objid WHERE u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass"
    "   AND u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND u.refobjid = s.oid AND d.adrelid <> t.oid)";

std::string Definition(const SequenceDefinition& sequence) {
  return fmt::format("{} AS {} {}", QuoteName(sequence.name), sequence.data_type.empty() ? "bigint" : sequence.data_type, SequenceOptions(sequence));
}

}  // namespace

std::string SequenceOptions(const SequenceDefinition& sequence) {
  return fmt::format("START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} CACHE {} {}", sequence.start,
                     sequence.increment, sequence.min, sequence.max, sequence.cache,
                     sequence.cycle ? "CYCLE" : "NO CYCLE");
}

Result<Refusal> EnsureSequence(PgConnection& connection, const SequenceDefinition& sequence) {
  ASSIGN_OR_RETURN(const PgResult found,
                   connection.Execute("SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                      " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'S'",
                                      {sequence.name.name_space, sequence.name.name}));
  if (PQntuples(found.get()) == 0) return Attempt(connection, "CREATE SEQUENCE " + Definition(sequence));
  RETURN_IF_ERROR(AlterSequence(connection, sequence));
  return Refusal();
}

Status AlterSequence(PgConnection& connection, const SequenceDefinition& sequence) {
  const auto attempted = Attempt(connection, "ALTER SEQUENCE IF EXISTS " + Definition(sequence));
  return attempted.ok() ? Status() : attempted.error();
}

Result<Refusal> AdvanceSequence(PgConnection& connection, const SequenceDefinition& sequence) {
  if (!sequence.last_value) return Refusal();
  return Attempt(connection,
                 fmt::format("SELECT pg_catalog.setval(c.oid::pg_catalog.regclass, {0}, {1}) FROM pg_catalog.pg_class c"
                             " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid"
                             " WHERE n.nspname = {2} AND c.relname = {3} AND (s.seqcycle OR coalesce(CASE WHEN s.seqincrement > 0"
                             " THEN pg_catalog.pg_sequence_last_value(c.oid) < {0} ELSE pg_catalog.pg_sequence_last_value(c.oid) > {0} END, true))",
                             *sequence.last_value, sequence.is_called, QuoteLiteral(sequence.name.name_space),
                             QuoteLiteral(sequence.name.name)));
}

Status KeepUsedSequences(PgConnection& connection, const TableName& table) {
  ASSIGN_OR_RETURN(const PgResult used, connection.Execute(kUsedElsewhere, {table.name_space, table.name}));
  for (int row = 0; row < PQntuples(used.get()); ++row)
    RETURN_IF_ERROR(connection.Execute("ALTER SEQUENCE " + QuoteName({std::string(Field(used, row, 0)), std::string(Field(used, row, 1))}) +
                                       " OWNED BY NONE"));
  return Ok();
}

}  // namespace sluice
