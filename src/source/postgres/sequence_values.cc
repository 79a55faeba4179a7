#include "source/postgres/sequence_values.h"

#include <map>

#include "postgres/quote.h"
#include "source/postgres/catalog_rows.h"

namespace sluice {

Status ReadSequenceValues(PgConnection& connection, std::vector<TableDefinition>& tables) {
  std::multimap<TableName, SequenceDefinition*> sequences;
  for (TableDefinition& table : tables)
    for (SequenceDefinition& sequence : table.sequences) sequences.emplace(sequence.name, &sequence);
  if (sequences.empty()) return Ok();
  std::string names;
  for (auto at = sequences.begin(); at != sequences.end(); at = sequences.upper_bound(at->first))
    names += (names.empty() ? "(" : ", (") + QuoteLiteral(at->first.name_space) + ", " + QuoteLiteral(at->first.name) + ")";
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT n.nspname, c.relname, pg_sequence_last_value(c.oid) FROM (VALUES " + names +
                                      ") wanted(namespace, name) JOIN pg_namespace n ON n.nspname = wanted.namespace"
                                      " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name AND c.relkind = 'S'"
                                      " WHERE has_sequence_privilege(c.oid, 'SELECT') OR has_sequence_privilege(c.oid, 'USAGE')"));
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    if (IsNull(rows, row, 2)) continue;
    const auto [begin, end] = sequences.equal_range({TextAt(rows, row, 0), TextAt(rows, row, 1)});
    for (auto at = begin; at != end; ++at) {
      at->second->last_value = NumberAt<int64_t>(rows, row, 2);
      at->second->is_called = true;
    }
  }
  return Ok();
}

}  // namespace sluice
