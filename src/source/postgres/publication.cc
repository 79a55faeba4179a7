#include "source/postgres/publication.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "base/failpoint.h"
#include "observability/errors/source_codes.h"
#include "postgres/quote.h"
#include "source/postgres/catalog_rows.h"
#include "source/postgres/moved_on.h"

namespace sluice {
namespace {

// A deferrable key cannot identify rows, and each leaf needs an identity of its own.
constexpr const char* kMissingIdentities =
    "WITH leaf AS ("
    "  SELECT oid AS root, oid FROM pg_class WHERE oid = ANY($1::oid[]) AND relkind = 'r'"
    "  UNION ALL SELECT root.oid, p.relid FROM unnest($1::oid[]) root(oid) CROSS JOIN LATERAL pg_partition_tree(root.oid) p WHERE p.isleaf)"
    "SELECT rn.nspname, r.relname, n.nspname, c.relname FROM leaf JOIN pg_class c ON c.oid = leaf.oid AND c.relkind = 'r'"
    "  JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class r ON r.oid = leaf.root JOIN pg_namespace rn ON rn.oid = r.relnamespace"
    " WHERE c.relreplident <> 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate"
    "    AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)"
    " ORDER BY 1, 2, 3, 4";

std::string FixFor(const MissingIdentity& missing) {
  return fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;   -- or give it a primary key", QuoteName(missing.leaf));
}

Status RunWithLockTimeout(const std::function<Status()>& run, const std::string& what, const PublicationLockLimits& limits) {
  for (int attempt = 1;; ++attempt) {
    const Status done = run();
    if (done.ok()) return Ok();
    Error error = done.error();
    if (error.sql_state == "42501") error.code = slu::kSourcePrivilege;
    const bool unlogged_since = error.sql_state == "22023";  // Such a table cannot be published.
    if (unlogged_since || CatalogMovedOn(error)) error.kind = ErrorKind::kUnavailable;
    error.message = what;
    if (error.sql_state != "55P03") return error;
    if (attempt == limits.attempts) {
      error.code = slu::kPublicationLock;
      error.message = fmt::format("{}: some transaction held the table through {} attempts", what, attempt);
      return error;
    }
    std::this_thread::sleep_for(limits.lock_timeout);
  }
}

Status RunWithLockTimeout(PgConnection& connection, const std::string& sql, const std::string& what, const PublicationLockLimits& limits) {
  const auto run = [&] {
    const auto done = connection.Execute(sql);
    return done.ok() ? Status() : Status(done.error());
  };
  return RunWithLockTimeout(run, what, limits);
}

/// Without ONLY, children of an inheritance parent would join in silence. A partitioned table has no rows of its own.
std::string Published(const TableDefinition& table) {
  return (table.partition_key.empty() ? "ONLY " : "") + QuoteName(table.schema->name);
}

// The catalog was read a moment before: another table may have the name now, or this one has lost its key. Published with
// its updates it would make the application's fail. The lock that publishing takes keeps the table as it is from here on.
Status StillAsRead(PgConnection& connection, const TableDefinition& table, PublishedOperations operations) {
  const Error changed{ErrorKind::kUnavailable, fmt::format("table {} changed while it was added to the publication", ToString(table.schema->name))};
  ASSIGN_OR_RETURN(const std::string oid, connection.QueryValue("SELECT coalesce(pg_catalog.to_regclass($1)::pg_catalog.oid, 0)", {QuoteName(table.schema->name)}));
  if (oid != std::to_string(table.schema->oid)) return changed;
  if (operations == PublishedOperations::kInserts) return Ok();
  ASSIGN_OR_RETURN(const std::vector<MissingIdentity> missing, FindMissingIdentities(connection, {table}));
  return missing.empty() ? Ok() : Status(changed);
}

Status AddTable(PgConnection& connection, const std::string& publication, const TableDefinition& table, PublishedOperations operations) {
  RETURN_IF_ERROR(connection.Execute("BEGIN"));
  const auto added = connection.Execute(fmt::format("ALTER PUBLICATION {} ADD TABLE {}", QuoteIdentifier(publication), Published(table)));
  const Status done = added.ok() ? StillAsRead(connection, table, operations) : Status(added.error());
  const auto ended = connection.Execute(done.ok() ? "COMMIT" : "ROLLBACK");
  return done.ok() && !ended.ok() ? Status(ended.error()) : done;
}

}  // namespace

Error NoIdentity(const std::vector<MissingIdentity>& missing) {
  Error error{ErrorKind::kNeedsOperator, "", slu::kNoIdentity};
  constexpr size_t kNamed = 10;
  for (size_t i = 0; i < std::min(missing.size(), kNamed); ++i) {
    error.message += (i > 0 ? ", " : "") + ToString(missing[i].leaf);
    error.fix.push_back(FixFor(missing[i]));
  }
  if (missing.size() > kNamed) error.message += fmt::format(" and {} more", missing.size() - kNamed);
  error.message += missing.size() == 1 ? " has no row identity; publishing it would make UPDATE and DELETE fail in production"
                                       : " have no row identity; publishing them would make UPDATE and DELETE fail in production";
  error.fix.push_back(fmt::format("tables.exclude: [{}]   # in the configuration: leave it out", ToString(missing[0].table)));
  return error;
}

SplitTables SplitByIdentity(const std::vector<TableDefinition>& tables, const std::vector<MissingIdentity>& missing) {
  SplitTables split;
  for (const TableDefinition& table : tables) {
    const bool lacks = std::any_of(missing.begin(), missing.end(), [&](const MissingIdentity& one) { return one.table == table.schema->name; });
    (lacks ? split.append_only : split.whole).push_back(table);
  }
  return split;
}

std::string InsertsPublication(const std::string& publication) {
  constexpr std::string_view kSuffix = "_inserts";
  constexpr size_t kNameBytesMax = 63;
  return publication.substr(0, kNameBytesMax - kSuffix.size()) + std::string(kSuffix);
}

Result<std::optional<PublicationFacts>> ReadPublication(PgConnection& connection, const std::string& publication) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute("SELECT oid, puballtables, pubinsert AND pubtruncate, pubupdate AND pubdelete, pubviaroot FROM pg_publication WHERE pubname = $1", {publication}));
  if (PQntuples(rows.get()) == 0) return std::optional<PublicationFacts>();
  PublicationFacts facts;
  const std::string oid = TextAt(rows, 0, 0);
  facts.all_tables = BoolAt(rows, 0, 1);
  facts.inserts = BoolAt(rows, 0, 2);
  facts.updates = BoolAt(rows, 0, 3);
  facts.via_partition_root = BoolAt(rows, 0, 4);
  const bool has_filters = connection.server_version() >= 150000;
  ASSIGN_OR_RETURN(const PgResult tables,
                   connection.Execute(fmt::format("SELECT n.nspname, c.relname, {} FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = $1::oid",
                                                  has_filters ? "r.prqual IS NOT NULL OR r.prattrs IS NOT NULL" : "false"), {oid}));
  for (int row = 0; row < PQntuples(tables.get()); ++row) {
    const TableName name{TextAt(tables, row, 0), TextAt(tables, row, 1)};
    facts.tables.insert(name);
    if (BoolAt(tables, row, 2)) facts.filtered.insert(name);
  }
  if (has_filters) {
    ASSIGN_OR_RETURN(const PgResult namespaces, connection.Execute("SELECT FROM pg_publication_namespace WHERE pnpubid = $1::oid", {oid}));
    facts.whole_namespaces = PQntuples(namespaces.get()) > 0;
  }
  return std::optional(std::move(facts));
}

Result<std::vector<MissingIdentity>> FindMissingIdentities(PgConnection& connection, const std::vector<TableDefinition>& tables) {
  std::vector<Oid> oids;
  for (const TableDefinition& table : tables) oids.push_back(table.schema->oid);
  ASSIGN_OR_RETURN(const PgResult rows, connection.Execute(kMissingIdentities, {OidArray(oids)}));
  std::vector<MissingIdentity> missing;
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    missing.push_back({{TextAt(rows, row, 0), TextAt(rows, row, 1)}, {TextAt(rows, row, 2), TextAt(rows, row, 3)}});
  return missing;
}

std::string WhyForeign(const PublicationFacts& facts, PublishedOperations operations, bool any_partitioned) {
  if (facts.all_tables) return "it is FOR ALL TABLES, which breaks UPDATE and DELETE of any table without identity";
  if (facts.whole_namespaces) return "it is FOR TABLES IN SCHEMA, which takes in tables that nobody has checked";
  if (operations == PublishedOperations::kAll && !(facts.inserts && facts.updates)) return "it does not publish all of insert, update, delete and truncate";
  if (operations == PublishedOperations::kInserts && (!facts.inserts || facts.updates)) return "it does not publish exactly insert and truncate";
  if (!facts.filtered.empty()) return fmt::format("it has a row filter or column list on {}", ToString(*facts.filtered.begin()));
  if (any_partitioned && !facts.via_partition_root) return "it was made without publish_via_partition_root";
  return {};
}

Status MakePublication(PgConnection& connection, const std::string& publication, PublishedOperations operations, const std::vector<TableDefinition>& tables,
                       const PublicationLockLimits& limits) {
  ASSIGN_OR_RETURN(const std::optional<PublicationFacts> found, ReadPublication(connection, publication));
  const PublicationFacts facts = found.value_or(PublicationFacts{});
  const bool any_partitioned = std::any_of(tables.begin(), tables.end(), [](const TableDefinition& table) { return !table.partition_key.empty(); });
  if (found) {
    if (const std::string why = WhyForeign(facts, operations, any_partitioned); !why.empty())
      return Error{ErrorKind::kNeedsOperator, fmt::format("publication \"{}\" is not as sluice makes it: {}", publication, why), slu::kPublicationForeign};
  }
  std::vector<TableDefinition> added;
  std::copy_if(tables.begin(), tables.end(), std::back_inserter(added), [&](const TableDefinition& table) { return !facts.tables.contains(table.schema->name); });

  const std::string name = QuoteIdentifier(publication);
  ASSIGN_OR_RETURN(const PgResult set, connection.Execute(fmt::format("SET SESSION lock_timeout = {}", limits.lock_timeout.count())));
  SLUICE_FAILPOINT("source.before_publication");
  // Also an empty one, and before the slot: to the log before a publication was made it does not exist, so a table that
  // needs it one day could not be followed any more.
  if (!found) {
    Status made = RunWithLockTimeout(connection, fmt::format("CREATE PUBLICATION {} WITH (publish_via_partition_root = true{})", name, operations == PublishedOperations::kInserts ? ", publish = 'insert, truncate'" : ""),
                                       fmt::format("cannot make publication \"{}\"", publication), limits);
    if (!made.ok() && !(tables.empty() && made.error().code == slu::kSourcePrivilege)) return made;
    if (!made.ok()) return Ok();
  }
  for (const TableDefinition& table : added) {
    SLUICE_FAILPOINT("source.before_publish_table");
    RETURN_IF_ERROR(RunWithLockTimeout([&] { return AddTable(connection, publication, table, operations); },
                                       fmt::format("cannot add {} to publication \"{}\"", ToString(table.schema->name), publication), limits));
  }
  for (const TableName& extra : facts.tables) {
    if (std::any_of(tables.begin(), tables.end(), [&](const TableDefinition& table) { return table.schema->name == extra; })) continue;
    RETURN_IF_ERROR(RunWithLockTimeout(connection, fmt::format("ALTER PUBLICATION {} DROP TABLE ONLY {}", name, QuoteName(extra)),
                                       fmt::format("cannot remove {} from publication \"{}\"", ToString(extra), publication), limits));
  }
  const auto reset = connection.Execute("SET SESSION lock_timeout = 0");
  return reset.ok() ? Ok() : Status(reset.error());
}

}  // namespace sluice
