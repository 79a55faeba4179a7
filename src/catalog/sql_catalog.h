#pragma once
// A catalog in two tables of a database, in the schema (V1) of Iceberg's JDBC catalog and PyIceberg's SQL catalog, so that
// both read it. One transaction commits many tables.

#include <memory>
#include <mutex>
#include <string>

#include "catalog/catalog.h"
#include "catalog/catalog_database.h"
#include "storage/object_store.h"

namespace sluice {

class SqlCatalog final : public Catalog {
 public:
  struct Options {
    std::string catalog_name = "sluice";    ///< Readers must name the same.
    int previous_metadata_files_max = 100;  ///< Older metadata files are deleted.
  };

  /// Makes the tables if they are missing. The lake's tables lie under `store`'s root, which must outlive the catalog.
  static Result<std::unique_ptr<SqlCatalog>> Open(Options options, std::unique_ptr<CatalogDatabase> database, ObjectStore& store);

  /// Makes nothing, and the database takes no changes; null where the tables are missing.
  static Result<std::unique_ptr<SqlCatalog>> OpenToRead(Options options, std::unique_ptr<CatalogDatabase> database, ObjectStore& store);

  Status CreateNamespace(const std::string& name_space) override;
  Result<std::optional<iceberg::Properties>> NamespaceProperties(const std::string& name_space) override;
  Result<std::vector<std::string>> ListNamespaces() override;
  Result<std::vector<TableIdentifier>> ListTables(const std::string& name_space) override;
  Result<std::optional<std::string>> MetadataLocation(const TableIdentifier& table) override;
  Result<std::optional<CatalogTable>> LoadTable(const TableIdentifier& table) override;
  Status DropTable(const TableIdentifier& table) override;
  bool commits_many_tables() const override { return true; }
  Result<std::vector<CatalogTable>> Commit(const std::vector<TableCommit>& tables, const std::optional<NamespaceUpdate>& name_space) override;
  std::string DefaultLocation(const TableIdentifier& table) const override;

 private:
  struct Prepared;

  SqlCatalog(Options options, std::unique_ptr<CatalogDatabase> database, ObjectStore& store);

  Result<std::optional<std::string>> FindLocation(const TableIdentifier& table);
  Result<std::optional<iceberg::Properties>> ReadProperties(const std::string& name_space);
  Status SetProperty(const std::string& name_space, const std::string& key, const std::string& value);
  Status UpdateNamespace(const NamespaceUpdate& update);
  Status SwapTable(const TableCommit& commit, const std::string& new_location);
  Status Swap(const std::vector<TableCommit>& commits, const std::optional<NamespaceUpdate>& name_space, const Prepared& prepared);
  /// Whether a commit that seemed to fail happened after all.
  Status LookAfterwards(const std::vector<TableCommit>& commits, const std::optional<NamespaceUpdate>& name_space, const Prepared& prepared, const Error& failed);
  void Remove(const std::vector<ObjectBytes>& files);

  const Options options_;
  ObjectStore& store_;

  std::mutex mutex_;  // Guards the database.
  const std::unique_ptr<CatalogDatabase> database_;
};

}  // namespace sluice
