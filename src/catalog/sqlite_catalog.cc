#include "catalog/sqlite_catalog.h"

#include <fmt/format.h>

#include <chrono>
#include <set>
#include <utility>

#include "base/failpoint.h"
#include "catalog/metadata_file.h"
#include "catalog/sqlite_database.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr char kSchema[] = R"(
CREATE TABLE IF NOT EXISTS iceberg_tables (
  catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
  metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5),
  PRIMARY KEY (catalog_name, table_namespace, table_name));
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
  catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,
  property_value VARCHAR(1000),
  PRIMARY KEY (catalog_name, namespace, property_key));
)";

// FULL: in WAL mode the default would let a power cut take back the last commits, which were
// acknowledged.
constexpr char kSettings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";

constexpr char kInsertTable[] =
    "INSERT OR IGNORE INTO iceberg_tables (catalog_name, table_namespace, table_name, "
    "metadata_location, "
    "previous_metadata_location, iceberg_type) VALUES (?, ?, ?, ?, NULL, 'TABLE')";
constexpr char kSwapTable[] =
    "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ? WHERE "
    "catalog_name = ? AND "
    "table_namespace = ? AND table_name = ? AND metadata_location = ? AND (iceberg_type = 'TABLE' "
    "OR "
    "iceberg_type IS NULL)";
constexpr char kFindTable[] =
    "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? "
    "AND "
    "table_name = ? AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";

int64_t NowMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string Name(const TableIdentifier& table) { return table.name_space + "." + table.name; }

Error Conflict(std::string message) {
  return Error{ErrorKind::kConflict, std::move(message), slu::kCatalogConflict};
}

Result<std::optional<std::string>> FindLocation(sqlite3* database, const std::string& catalog,
                                                const TableIdentifier& table) {
  ASSIGN_OR_RETURN(SqliteStatement find, SqliteStatement::Prepare(database, kFindTable));
  ASSIGN_OR_RETURN(const bool found,
                   find.Bind(catalog).Bind(table.name_space).Bind(table.name).Next());
  return found ? find.OptionalText(0) : std::nullopt;
}

Result<std::optional<iceberg::Properties>> ReadProperties(sqlite3* database,
                                                          const std::string& catalog,
                                                          const std::string& name_space) {
  ASSIGN_OR_RETURN(SqliteStatement read,
                   SqliteStatement::Prepare(
                       database,
                       "SELECT property_key, property_value FROM "
                       "iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ?"));
  read.Bind(catalog).Bind(name_space);
  iceberg::Properties properties;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, read.Next());
    if (!more) break;
    properties[read.Text(0)] = read.Text(1);
  }
  if (properties.empty()) return std::optional<iceberg::Properties>();
  return std::optional(std::move(properties));
}

Status SetProperty(sqlite3* database, const std::string& catalog, const std::string& name_space,
                   const std::string& key, const std::string& value) {
  ASSIGN_OR_RETURN(SqliteStatement set,
                   SqliteStatement::Prepare(
                       database,
                       "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, "
                       "property_key, property_value) VALUES (?, ?, ?, ?) ON CONFLICT "
                       "(catalog_name, namespace, property_key) DO UPDATE SET property_value = "
                       "excluded.property_value"));
  ASSIGN_OR_RETURN([[maybe_unused]] const int rows,
                   set.Bind(catalog).Bind(name_space).Bind(key).Bind(value).Run());
  return Ok();
}

Status UpdateNamespace(sqlite3* database, const std::string& catalog,
                       const NamespaceUpdate& update) {
  ASSIGN_OR_RETURN(const auto current, ReadProperties(database, catalog, update.name_space));
  if (!current)
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("the catalog has no namespace '{}'", update.name_space),
                 slu::kCatalogNoNamespace};
  for (const auto& [key, expected] : update.expected) {
    const auto found = current->find(key);
    const bool holds = found == current->end() ? !expected : expected == found->second;
    if (!holds)
      return Conflict(
          fmt::format("property {} of namespace '{}' has changed", key, update.name_space));
  }
  for (const auto& [key, value] : update.set)
    RETURN_IF_ERROR(SetProperty(database, catalog, update.name_space, key, value));
  for (const std::string& key : update.remove) {
    ASSIGN_OR_RETURN(SqliteStatement erase,
                     SqliteStatement::Prepare(
                         database,
                         "DELETE FROM iceberg_namespace_properties WHERE catalog_name = ? AND "
                         "namespace = ? AND property_key = ?"));
    ASSIGN_OR_RETURN([[maybe_unused]] const int rows,
                     erase.Bind(catalog).Bind(update.name_space).Bind(key).Run());
  }
  return Ok();
}

Status CheckNamespaceExists(sqlite3* database, const std::string& catalog,
                            const std::string& name_space) {
  ASSIGN_OR_RETURN(const auto properties, ReadProperties(database, catalog, name_space));
  if (properties) return Ok();
  return Error{ErrorKind::kNeedsOperator,
               fmt::format("the catalog has no namespace '{}'", name_space),
               slu::kCatalogNoNamespace};
}

Status SwapTable(sqlite3* database, const std::string& catalog, const TableCommit& commit,
                 const std::string& new_location) {
  const TableIdentifier& table = commit.table;
  const bool creates = !commit.base.metadata;
  if (creates) RETURN_IF_ERROR(CheckNamespaceExists(database, catalog, table.name_space));
  ASSIGN_OR_RETURN(SqliteStatement swap,
                   SqliteStatement::Prepare(database, creates ? kInsertTable : kSwapTable));
  if (creates) {
    swap.Bind(catalog).Bind(table.name_space).Bind(table.name).Bind(new_location);
  } else {
    swap.Bind(new_location).Bind(commit.base.metadata_location);
    swap.Bind(catalog).Bind(table.name_space).Bind(table.name).Bind(commit.base.metadata_location);
  }
  ASSIGN_OR_RETURN(const int rows, swap.Run());
  if (rows == 1) return Ok();
  return Conflict(creates ? fmt::format("table {} exists already", Name(table))
                          : fmt::format("table {} was changed by another writer", Name(table)));
}

Status AfterCommit() {
  SLUICE_FAILPOINT("catalog.after_commit");
  return Ok();
}

}  // namespace

SqliteCatalog::SqliteCatalog(Options options, ObjectStore& store, Database database)
    : options_(std::move(options)), store_(store), database_(std::move(database)) {}

Result<std::unique_ptr<SqliteCatalog>> SqliteCatalog::Open(Options options, ObjectStore& store) {
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(options.path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  Database database(handle);
  if (opened != SQLITE_OK) return SqliteError(handle, "opening");
  sqlite3_busy_timeout(handle, options.busy_timeout_ms);
  RETURN_IF_ERROR(RunSql(handle, kSettings));
  RETURN_IF_ERROR(RunSql(handle, kSchema));
  // A catalog that Java made before its schema V1 lacks the last column.
  if (Result<SqliteStatement> probe = SqliteStatement::Prepare(handle, kFindTable); !probe.ok())
    RETURN_IF_ERROR(
        RunSql(handle, "ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)"));
  return std::unique_ptr<SqliteCatalog>(
      new SqliteCatalog(std::move(options), store, std::move(database)));
}

Status SqliteCatalog::CreateNamespace(const std::string& name_space) {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(database_.get()));
  ASSIGN_OR_RETURN(const auto current,
                   ReadProperties(database_.get(), options_.catalog_name, name_space));
  if (current) return Ok();
  RETURN_IF_ERROR(
      SetProperty(database_.get(), options_.catalog_name, name_space, "exists", "true"));
  return transaction.Commit();
}

Result<std::optional<iceberg::Properties>> SqliteCatalog::NamespaceProperties(
    const std::string& name_space) {
  const std::lock_guard lock(mutex_);
  return ReadProperties(database_.get(), options_.catalog_name, name_space);
}

Result<std::vector<std::string>> SqliteCatalog::ListNamespaces() {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(
      SqliteStatement list,
      SqliteStatement::Prepare(database_.get(),
                               "SELECT DISTINCT namespace FROM iceberg_namespace_properties WHERE "
                               "catalog_name = ? ORDER BY namespace"));
  list.Bind(options_.catalog_name);
  std::vector<std::string> names;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, list.Next());
    if (!more) return names;
    names.push_back(list.Text(0));
  }
}

Result<std::vector<TableIdentifier>> SqliteCatalog::ListTables(const std::string& name_space) {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(
      SqliteStatement list,
      SqliteStatement::Prepare(database_.get(),
                               "SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND "
                               "table_namespace = ? AND (iceberg_type = 'TABLE' OR iceberg_type IS "
                               "NULL) ORDER BY table_name"));
  list.Bind(options_.catalog_name).Bind(name_space);
  std::vector<TableIdentifier> tables;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, list.Next());
    if (!more) return tables;
    tables.push_back({name_space, list.Text(0)});
  }
}

Result<std::optional<CatalogTable>> SqliteCatalog::LoadTable(const TableIdentifier& table) {
  // Between looking and reading, other writers may commit often enough to delete the metadata file.
  for (int attempt = 0;; ++attempt) {
    std::optional<std::string> location;
    {
      const std::lock_guard lock(mutex_);
      ASSIGN_OR_RETURN(location, FindLocation(database_.get(), options_.catalog_name, table));
    }
    if (!location) return std::optional<CatalogTable>();
    Result<iceberg::TableMetadataPtr> metadata = ReadMetadataFile(store_, *location);
    if (metadata.ok()) return std::optional(CatalogTable{*location, *metadata});
    if (!IsNotFound(metadata.error()) || attempt == 3) return metadata.error();
  }
}

Status SqliteCatalog::DropTable(const TableIdentifier& table) {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement drop,
                   SqliteStatement::Prepare(database_.get(),
                                            "DELETE FROM iceberg_tables WHERE catalog_name = ? AND "
                                            "table_namespace = ? AND table_name = ?"));
  ASSIGN_OR_RETURN([[maybe_unused]] const int rows,
                   drop.Bind(options_.catalog_name).Bind(table.name_space).Bind(table.name).Run());
  return Ok();
}

std::string SqliteCatalog::DefaultLocation(const TableIdentifier& table) const {
  return fmt::format("{}/{}/{}", store_.root_uri(), SafePathSegment(table.name_space),
                     SafePathSegment(table.name));
}

struct SqliteCatalog::Prepared {
  std::vector<CatalogTable> tables;  // In the commit's order.
  std::vector<ObjectBytes> files;
  std::vector<std::string> forgotten;
};

Result<std::vector<CatalogTable>> SqliteCatalog::Commit(
    const std::vector<TableCommit>& commits, const std::optional<NamespaceUpdate>& name_space) {
  Prepared prepared;
  for (const TableCommit& commit : commits) {
    ASSIGN_OR_RETURN(NextMetadata next,
                     MakeNextMetadata(commit, NowMs(), options_.previous_metadata_files_max));
    prepared.tables.push_back(std::move(next.table));
    prepared.files.push_back(std::move(next.file));
    for (std::string& uri : next.forgotten) prepared.forgotten.push_back(std::move(uri));
  }
  if (Status written = store_.PutAll(prepared.files); !written.ok()) {
    Remove(prepared.files);
    return std::move(written).error();
  }
  SLUICE_FAILPOINT("catalog.metadata_written");
  const Status swapped = Swap(commits, name_space, prepared);
  if (!swapped.ok()) {
    // Files that a commit of unknown outcome may have made current must stay.
    if (swapped.error().kind != ErrorKind::kOutcomeUnknown) Remove(prepared.files);
    return swapped.error();
  }
  // Whatever goes wrong from here on must not look as if nothing had happened.
  if (const Status after = AfterCommit(); !after.ok())
    return Error{ErrorKind::kOutcomeUnknown, after.error().message, slu::kCatalogUnknown};
  // Old metadata that cannot be deleted does no harm.
  for (const std::string& uri : prepared.forgotten) static_cast<void>(store_.Remove(uri).ok());
  return std::move(prepared.tables);
}

Status SqliteCatalog::Swap(const std::vector<TableCommit>& commits,
                           const std::optional<NamespaceUpdate>& name_space,
                           const Prepared& prepared) {
  const std::lock_guard lock(mutex_);
  sqlite3* const database = database_.get();
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(database));
  for (size_t i = 0; i < commits.size(); ++i)
    RETURN_IF_ERROR(SwapTable(database, options_.catalog_name, commits[i],
                              prepared.tables[i].metadata_location));
  if (name_space) RETURN_IF_ERROR(UpdateNamespace(database, options_.catalog_name, *name_space));
  SLUICE_FAILPOINT("catalog.before_commit");
  Status committed = transaction.Commit();
  if (committed.ok()) return Ok();
  if (sqlite3_get_autocommit(database) == 0) {
    RETURN_IF_ERROR(RunSql(database, "ROLLBACK"));
    return committed;  // SQLite kept the transaction open, so it was not committed.
  }
  return LookAfterwards(commits, name_space, prepared, committed.error());
}

Status SqliteCatalog::LookAfterwards(const std::vector<TableCommit>& commits,
                                     const std::optional<NamespaceUpdate>& name_space,
                                     const Prepared& prepared, const Error& failed) {
  const auto unknown = [&] {
    return Error{ErrorKind::kOutcomeUnknown,
                 "it is not known whether a commit to the lake's catalog went through",
                 slu::kCatalogUnknown, failed.evidence};
  };
  if (!commits.empty()) {
    // All or nothing, so one table tells.
    const Result<std::optional<std::string>> found =
        FindLocation(database_.get(), options_.catalog_name, commits.front().table);
    if (!found.ok()) return unknown();
    if (*found == prepared.tables.front().metadata_location) return Ok();
    const CatalogTable& base = commits.front().base;
    const bool unchanged = base.metadata ? *found == base.metadata_location : !found->has_value();
    return unchanged ? failed : unknown();
  }
  if (!name_space) return failed;
  const auto found = ReadProperties(database_.get(), options_.catalog_name, name_space->name_space);
  if (!found.ok() || !*found) return unknown();
  for (const auto& [key, value] : name_space->set) {
    const auto property = (*found)->find(key);
    if (property == (*found)->end() || property->second != value) return failed;
  }
  return Ok();
}

void SqliteCatalog::Remove(const std::vector<ObjectBytes>& files) {
  // What cannot be removed is never referenced.
  for (const ObjectBytes& file : files) static_cast<void>(store_.Remove(file.uri).ok());
}

}  // namespace sluice
