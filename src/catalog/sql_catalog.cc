#include "catalog/sql_catalog.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/failpoint.h"
#include "catalog/expected_properties.h"
#include "catalog/metadata_file.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

// The others declare lengths up to 1000 too, which SQLite ignores, and which a bookmark's properties outgrow.
constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,"
    " metadata_location TEXT, previous_metadata_location TEXT, iceberg_type VARCHAR(5), PRIMARY KEY (catalog_name, table_namespace, table_name))";
constexpr const char* kNamespaces =
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,"
    " property_value TEXT, PRIMARY KEY (catalog_name, namespace, property_key))";

constexpr const char* kInsertTable =
    "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)"
    " VALUES ($1, $2, $3, $4, NULL, 'TABLE') ON CONFLICT DO NOTHING";
constexpr const char* kSwapTable =
    "UPDATE iceberg_tables SET metadata_location = $4, previous_metadata_location = $5 WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3"
    " AND metadata_location = $5 AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";
constexpr const char* kFindTable =
    "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3"
    " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";
constexpr const char* kListTables =
    "SELECT table_name FROM iceberg_tables WHERE catalog_name = $1 AND table_namespace = $2 AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL) ORDER BY table_name";
constexpr const char* kReadProperties = "SELECT property_key, property_value FROM iceberg_namespace_properties WHERE catalog_name = $1 AND namespace = $2";
constexpr const char* kSetProperty =
    "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (catalog_name, namespace, property_key) DO UPDATE SET property_value = excluded.property_value";

int64_t NowMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Error Conflict(std::string message) { return Error{ErrorKind::kConflict, std::move(message), slu::kCatalogConflict}; }

Error NoNamespace(const std::string& name_space) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("the catalog has no namespace '{}'", name_space), slu::kCatalogNoNamespace};
}

Status AfterCommit() {
  SLUICE_FAILPOINT("catalog.after_commit");
  return Ok();
}

// Looked for first: to make what is there already also takes a privilege.
Status MakeTables(CatalogDatabase& database) {
  const bool there = database.Query(kFindTable, {"", "", ""}).ok() && database.Query(kReadProperties, {"", ""}).ok();
  if (there) return Ok();
  ASSIGN_OR_RETURN(CatalogTransaction transaction, CatalogTransaction::Begin(database));
  for (const char* const sql : {kTables, kNamespaces}) RETURN_IF_ERROR(database.Change(sql));
  RETURN_IF_ERROR(transaction.Commit());
  // A catalog that Java made before its schema V1 lacks the last column.
  if (const auto probe = database.Query(kFindTable, {"", "", ""}); !probe.ok()) RETURN_IF_ERROR(database.Change("ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)"));
  return Ok();
}

}  // namespace

SqlCatalog::SqlCatalog(Options options, std::unique_ptr<CatalogDatabase> database, ObjectStore& store)
    : options_(std::move(options)), store_(store), database_(std::move(database)) {}

Result<std::unique_ptr<SqlCatalog>> SqlCatalog::Open(Options options, std::unique_ptr<CatalogDatabase> database, ObjectStore& store) {
  RETURN_IF_ERROR(MakeTables(*database));
  return std::unique_ptr<SqlCatalog>(new SqlCatalog(std::move(options), std::move(database), store));
}

Result<std::unique_ptr<SqlCatalog>> SqlCatalog::OpenToRead(Options options, std::unique_ptr<CatalogDatabase> database, ObjectStore& store) {
  for (const char* const table : {"iceberg_tables", "iceberg_namespace_properties"}) {
    ASSIGN_OR_RETURN(const bool there, database->HasTable(table));
    if (!there) return std::unique_ptr<SqlCatalog>();
  }
  return std::unique_ptr<SqlCatalog>(new SqlCatalog(std::move(options), std::move(database), store));
}

Result<std::optional<std::string>> SqlCatalog::FindLocation(const TableIdentifier& table) {
  ASSIGN_OR_RETURN(const auto rows, database_->Query(kFindTable, {options_.catalog_name, table.name_space, table.name}));
  return rows.empty() ? std::nullopt : rows.front().front();
}

Result<std::optional<iceberg::Properties>> SqlCatalog::ReadProperties(const std::string& name_space) {
  ASSIGN_OR_RETURN(const auto rows, database_->Query(kReadProperties, {options_.catalog_name, name_space}));
  if (rows.empty()) return std::optional<iceberg::Properties>();
  iceberg::Properties properties;
  for (const CatalogDatabase::Row& row : rows) properties[row[0].value_or("")] = row[1].value_or("");
  return std::optional(std::move(properties));
}

Status SqlCatalog::SetProperty(const std::string& name_space, const std::string& key, const std::string& value) {
  const auto set = database_->Change(kSetProperty, {options_.catalog_name, name_space, key, value});
  return set.ok() ? Ok() : Status(set.error());
}

Status SqlCatalog::CreateNamespace(const std::string& name_space) {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(CatalogTransaction transaction, CatalogTransaction::Begin(*database_));
  ASSIGN_OR_RETURN(const auto current, ReadProperties(name_space));
  if (current) return Ok();
  RETURN_IF_ERROR(SetProperty(name_space, "exists", "true"));
  return transaction.Commit();
}

Result<std::optional<iceberg::Properties>> SqlCatalog::NamespaceProperties(const std::string& name_space) {
  const std::lock_guard lock(mutex_);
  return ReadProperties(name_space);
}

Result<std::vector<std::string>> SqlCatalog::ListNamespaces() {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const auto rows, database_->Query("SELECT DISTINCT namespace FROM iceberg_namespace_properties WHERE catalog_name = $1 ORDER BY namespace", {options_.catalog_name}));
  std::vector<std::string> names;
  for (const CatalogDatabase::Row& row : rows) names.push_back(row.front().value_or(""));
  return names;
}

Result<std::vector<TableIdentifier>> SqlCatalog::ListTables(const std::string& name_space) {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const auto rows, database_->Query(kListTables, {options_.catalog_name, name_space}));
  std::vector<TableIdentifier> tables;
  for (const CatalogDatabase::Row& row : rows) tables.push_back({name_space, row.front().value_or("")});
  return tables;
}

Result<std::optional<std::string>> SqlCatalog::MetadataLocation(const TableIdentifier& table) {
  const std::lock_guard lock(mutex_);
  return FindLocation(table);
}

Result<std::optional<CatalogTable>> SqlCatalog::LoadTable(const TableIdentifier& table) {
  // Between looking and reading, other writers may commit often enough to delete the metadata file.
  for (int attempt = 0;; ++attempt) {
    std::optional<std::string> location;
    {
      const std::lock_guard lock(mutex_);
      ASSIGN_OR_RETURN(location, FindLocation(table));
    }
    if (!location) return std::optional<CatalogTable>();
    Result<iceberg::TableMetadataPtr> metadata = ReadMetadataFile(store_, *location);
    if (metadata.ok()) return std::optional(CatalogTable{*location, *metadata});
    if (!IsNotFound(metadata.error()) || attempt == 3) return metadata.error();
  }
}

Status SqlCatalog::DropTable(const TableIdentifier& table) {
  const std::lock_guard lock(mutex_);
  const auto dropped = database_->Change("DELETE FROM iceberg_tables WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3",
                                         {options_.catalog_name, table.name_space, table.name});
  return dropped.ok() ? Ok() : Status(dropped.error());
}

std::string SqlCatalog::DefaultLocation(const TableIdentifier& table) const {
  return fmt::format("{}/{}/{}", store_.root_uri(), SafePathSegment(table.name_space), SafePathSegment(table.name));
}

struct SqlCatalog::Prepared {
  std::vector<CatalogTable> tables;  // In the commit's order.
  std::vector<ObjectBytes> files;
  std::vector<std::string> forgotten;
};

Result<std::vector<CatalogTable>> SqlCatalog::Commit(const std::vector<TableCommit>& commits, const std::optional<NamespaceUpdate>& name_space) {
  Prepared prepared;
  for (const TableCommit& commit : commits) {
    ASSIGN_OR_RETURN(NextMetadata next, MakeNextMetadata(commit, NowMs(), options_.previous_metadata_files_max));
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
  if (const Status after = AfterCommit(); !after.ok()) return Error{ErrorKind::kOutcomeUnknown, after.error().message, slu::kCatalogUnknown};
  // Old metadata that cannot be deleted does no harm.
  for (const std::string& uri : prepared.forgotten) static_cast<void>(store_.Remove(uri).ok());
  return std::move(prepared.tables);
}

Status SqlCatalog::UpdateNamespace(const NamespaceUpdate& update) {
  ASSIGN_OR_RETURN(const auto current, ReadProperties(update.name_space));
  if (!current) return NoNamespace(update.name_space);
  RETURN_IF_ERROR(CheckExpected(update, *current));
  for (const auto& [key, value] : update.set) RETURN_IF_ERROR(SetProperty(update.name_space, key, value));
  for (const std::string& key : update.remove)
    RETURN_IF_ERROR(database_->Change("DELETE FROM iceberg_namespace_properties WHERE catalog_name = $1 AND namespace = $2 AND property_key = $3",
                                      {options_.catalog_name, update.name_space, key}));
  return Ok();
}

Status SqlCatalog::SwapTable(const TableCommit& commit, const std::string& new_location) {
  const TableIdentifier& table = commit.table;
  const bool creates = !commit.base.metadata;
  std::vector<CatalogDatabase::Value> parameters = {options_.catalog_name, table.name_space, table.name, new_location};
  if (creates) {
    ASSIGN_OR_RETURN(const auto properties, ReadProperties(table.name_space));
    if (!properties) return NoNamespace(table.name_space);
  } else {
    parameters.emplace_back(commit.base.metadata_location);
  }
  ASSIGN_OR_RETURN(const int rows, database_->Change(creates ? kInsertTable : kSwapTable, parameters));
  if (rows == 1) return Ok();
  return Conflict(creates ? fmt::format("table {} exists already", ToString(table)) : fmt::format("table {} was changed by another writer", ToString(table)));
}

Status SqlCatalog::Swap(const std::vector<TableCommit>& commits, const std::optional<NamespaceUpdate>& name_space, const Prepared& prepared) {
  const std::lock_guard lock(mutex_);
  Error failed;
  {
    ASSIGN_OR_RETURN(CatalogTransaction transaction, CatalogTransaction::Begin(*database_));
    for (size_t i = 0; i < commits.size(); ++i) RETURN_IF_ERROR(SwapTable(commits[i], prepared.tables[i].metadata_location));
    if (name_space) RETURN_IF_ERROR(UpdateNamespace(*name_space));
    SLUICE_FAILPOINT("catalog.before_commit");
    Status committed = transaction.Commit();
    if (committed.ok() || committed.error().kind != ErrorKind::kOutcomeUnknown) return committed;
    failed = std::move(committed).error();
  }
  return LookAfterwards(commits, name_space, prepared, failed);
}

Status SqlCatalog::LookAfterwards(const std::vector<TableCommit>& commits, const std::optional<NamespaceUpdate>& name_space, const Prepared& prepared, const Error& failed) {
  const Error unknown{ErrorKind::kOutcomeUnknown, "it is not known whether a commit to the lake's catalog went through", slu::kCatalogUnknown, failed.evidence};
  Error not_done = failed;
  not_done.kind = ErrorKind::kUnavailable;
  // A transaction of our own waits for the end of the one whose outcome is asked for.
  const auto transaction = CatalogTransaction::Begin(*database_);
  if (!transaction.ok()) return unknown;
  if (!commits.empty()) {
    // All or nothing, so one table tells.
    const Result<std::optional<std::string>> found = FindLocation(commits.front().table);
    if (!found.ok()) return unknown;
    if (*found == prepared.tables.front().metadata_location) return Ok();
    const CatalogTable& base = commits.front().base;
    const bool unchanged = base.metadata ? *found == base.metadata_location : !found->has_value();
    return unchanged ? not_done : unknown;
  }
  if (!name_space) return not_done;
  const auto found = ReadProperties(name_space->name_space);
  if (!found.ok() || !*found) return unknown;
  for (const auto& [key, value] : name_space->set) {
    const auto property = (*found)->find(key);
    if (property == (*found)->end() || property->second != value) return not_done;
  }
  return Ok();
}

void SqlCatalog::Remove(const std::vector<ObjectBytes>& files) {
  // What cannot be removed is never referenced.
  for (const ObjectBytes& file : files) static_cast<void>(store_.Remove(file.uri).ok());
}

}  // namespace sluice
