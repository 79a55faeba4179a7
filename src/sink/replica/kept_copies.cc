#include "sink/replica/kept_copies.h"

#include "postgres/quote.h"
#include "sink/replica/parse_number.h"

namespace sluice {

// The numbers of blocks and the system's identifier exceed int4 and int8.
const char* const kKeptCopyTables[2] = {
    "CREATE TABLE IF NOT EXISTS sluice.kept_copy ("
    " namespace text, name text, oid oid NOT NULL, fingerprint text NOT NULL, place oid NOT NULL,"
    " system_identifier numeric NOT NULL, timeline int8 NOT NULL, database text NOT NULL, slot text NOT NULL,"
    " PRIMARY KEY (namespace, name))",
    "CREATE TABLE IF NOT EXISTS sluice.kept_range ("
    " namespace text, name text, leaf oid, first_block int8, end_block int8 NOT NULL, lsn pg_lsn NOT NULL,"
    " PRIMARY KEY (namespace, name, leaf, first_block))",
};

Result<KeptCopies> ReadKeptCopies(PgConnection& connection) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Execute("SELECT namespace, name, oid, fingerprint, system_identifier::text, timeline, database, slot,"
                                      " leaf, first_block, end_block, pg_catalog.min(lsn) OVER (PARTITION BY namespace, name)"
                                      " FROM sluice.kept_copy k JOIN sluice.kept_range USING (namespace, name)"
                                      " WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = k.place)"
                                      " ORDER BY namespace, name, leaf, first_block"));
  KeptCopies copies;
  for (int i = 0; i < PQntuples(rows.get()); ++i) {
    KeptCopy& copy = copies[{std::string(Field(rows, i, 0)), std::string(Field(rows, i, 1))}];
    if (copy.ranges.empty()) {
      copy.oid = ParseNumber<Oid>(Field(rows, i, 2));
      copy.fingerprint = Field(rows, i, 3);
      copy.log = {ParseNumber<uint64_t>(Field(rows, i, 4)), ParseNumber<uint32_t>(Field(rows, i, 5)), std::string(Field(rows, i, 6)), std::string(Field(rows, i, 7))};
      ASSIGN_OR_RETURN(copy.lsn, ParseLsn(Field(rows, i, 11)));
    }
    copy.ranges.push_back({ParseNumber<Oid>(Field(rows, i, 8)), ParseNumber<uint32_t>(Field(rows, i, 9)), ParseNumber<uint32_t>(Field(rows, i, 10))});
  }
  return copies;
}

Status BeginKeptCopy(PgConnection& connection, const TableName& table, const KeptCopy& copy, const TableName& place) {
  RETURN_IF_ERROR(ForgetKeptCopy(connection, table));
  const auto begun = connection.Execute(
      "INSERT INTO sluice.kept_copy (namespace, name, oid, fingerprint, system_identifier, timeline, database, slot, place)"
      " VALUES ($1, $2, $3::text::oid, $4, $5::text::numeric, $6::text::int8, $7, $8, $9::text::regclass)",
      {table.name_space, table.name, std::to_string(copy.oid), copy.fingerprint, std::to_string(copy.log.system_identifier),
       std::to_string(copy.log.timeline), copy.log.database, copy.log.slot, QuoteName(place)});
  return begun.ok() ? Status() : begun.error();
}

Status RecordKeptRange(PgConnection& connection, const TableName& table, const BlockRange& range, Lsn lsn) {
  const auto recorded = connection.Execute(
      "INSERT INTO sluice.kept_range (namespace, name, leaf, first_block, end_block, lsn)"
      " VALUES ($1, $2, $3::text::oid, $4::text::int8, $5::text::int8, $6::text::pg_lsn)",
      {table.name_space, table.name, std::to_string(range.leaf), std::to_string(range.first_block), std::to_string(range.end_block), ToString(lsn)});
  return recorded.ok() ? Status() : recorded.error();
}

Status ForgetKeptCopy(PgConnection& connection, const TableName& table) {
  for (const char* sql : {"DELETE FROM sluice.kept_range WHERE namespace = $1 AND name = $2", "DELETE FROM sluice.kept_copy WHERE namespace = $1 AND name = $2"})
    RETURN_IF_ERROR(connection.Execute(sql, {table.name_space, table.name}));
  return Ok();
}

}  // namespace sluice
