#pragma once
// A catalog in one SQLite file, in the schema (V1) of Iceberg's JDBC catalog and PyIceberg's SQL
// catalog, so that both read it. One SQLite transaction commits many tables.

#include <sqlite3.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/free_with.h"
#include "catalog/catalog.h"
#include "storage/object_store.h"

namespace sluice {

class SqliteCatalog final : public Catalog {
 public:
  struct Options {
    std::string path;                     ///< Of the SQLite file; made if missing.
    std::string catalog_name = "sluice";  ///< Readers must name the same.
    int busy_timeout_ms = 10'000;
    int previous_metadata_files_max = 100;  ///< Older metadata files are deleted.
  };

  /// Tables lie under `store`'s root. `store` must outlive the catalog.
  static Result<std::unique_ptr<SqliteCatalog>> Open(Options options, ObjectStore& store);

  Status CreateNamespace(const std::string& name_space) override;
  Result<std::optional<iceberg::Properties>> NamespaceProperties(
      const std::string& name_space) override;
  Result<std::vector<std::string>> ListNamespaces() override;
  Result<std::vector<TableIdentifier>> ListTables(const std::string& name_space) override;
  Result<std::optional<CatalogTable>> LoadTable(const TableIdentifier& table) override;
  Status DropTable(const TableIdentifier& table) override;
  bool commits_many_tables() const override { return true; }
  Result<std::vector<CatalogTable>> Commit(
      const std::vector<TableCommit>& tables,
      const std::optional<NamespaceUpdate>& name_space) override;
  std::string DefaultLocation(const TableIdentifier& table) const override;

 private:
  using Database = std::unique_ptr<sqlite3, FreeWith<sqlite3_close_v2>>;
  struct Prepared;

  SqliteCatalog(Options options, ObjectStore& store, Database database);

  Status Swap(const std::vector<TableCommit>& commits,
              const std::optional<NamespaceUpdate>& name_space, const Prepared& prepared);
  /// Whether a commit that seemed to fail happened after all.
  Status LookAfterwards(const std::vector<TableCommit>& commits,
                        const std::optional<NamespaceUpdate>& name_space, const Prepared& prepared,
                        const Error& failed);
  void Remove(const std::vector<ObjectBytes>& files);

  const Options options_;
  ObjectStore& store_;

  std::mutex mutex_;  // Guards the connection.
  Database database_;
};

}  // namespace sluice
