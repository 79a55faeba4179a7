#pragma once
// Knows where each table's current metadata lies, and swaps in commits.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "iceberg/table_metadata.h"
#include "iceberg/table_update.h"

namespace sluice {

struct TableIdentifier {
  std::string name_space;
  std::string name;

  auto operator<=>(const TableIdentifier&) const = default;
};

inline std::string ToString(const TableIdentifier& table) { return table.name_space + "." + table.name; }

struct CatalogTable {
  std::string metadata_location;
  iceberg::TableMetadataPtr metadata;
};

/// One table's part of a commit.
struct TableCommit {
  TableIdentifier table;
  CatalogTable base;  ///< As loaded, or as the last commit returned it; empty where requirements
                      ///< has AssertCreate.
  std::vector<iceberg::TableRequirement> requirements;
  std::vector<iceberg::TableUpdate> updates;
};

/// Properties of a namespace to be set together with a commit.
struct NamespaceUpdate {
  std::string name_space;
  iceberg::Properties set;
  std::vector<std::string> remove = {};
  /// What must be there for the commit to go through; nullopt: must be absent.
  std::map<std::string, std::optional<std::string>> expected = {};
};

/// Thread-safe. Errors of all calls besides those named: kUnavailable, kNeedsOperator, kCorrupt.
class Catalog {
 public:
  virtual ~Catalog() = default;

  /// A namespace that exists already stays as it is.
  virtual Status CreateNamespace(const std::string& name_space) = 0;

  /// nullopt if there is no such namespace.
  virtual Result<std::optional<iceberg::Properties>> NamespaceProperties(
      const std::string& name_space) = 0;

  virtual Result<std::vector<std::string>> ListNamespaces() = 0;
  /// Sorted by name.
  virtual Result<std::vector<TableIdentifier>> ListTables(const std::string& name_space) = 0;

  /// Where the table's current metadata lies, without reading it; nullopt if there is no such table.
  virtual Result<std::optional<std::string>> MetadataLocation(const TableIdentifier& table) = 0;

  /// nullopt if there is no such table.
  virtual Result<std::optional<CatalogTable>> LoadTable(const TableIdentifier& table) = 0;

  /// Error: kConflict if the table exists, kNeedsOperator if the namespace doesn't.
  Result<CatalogTable> CreateTable(const TableIdentifier& table,
                                   const iceberg::NewTable& definition);

  /// Forgets the table; its files stay. Dropping what isn't there succeeds.
  virtual Status DropTable(const TableIdentifier& table) = 0;

  /// Whether Commit takes several tables (and the namespace) all or nothing. If not, it takes one
  /// table or the namespace, and a table's changes are only safe from writers that were overtaken
  /// if they come with a new snapshot.
  virtual bool commits_many_tables() const = 0;

  /// Whether what a table's metadata does not name is needed by nobody and will be by nobody whose epoch is over. A server may keep a history of its own.
  virtual bool names_all_files() const { return true; }

  /// Makes durable what was put later in its store, then swaps in all or nothing; returns the new state of each table, in order. A table may be created
  /// here too (AssertCreate). Error: kConflict (nothing happened: another writer was first, or an
  /// expected property differs), kOutcomeUnknown (it may have happened: load the tables and look),
  /// anything else: nothing happened.
  virtual Result<std::vector<CatalogTable>> Commit(
      const std::vector<TableCommit>& tables, const std::optional<NamespaceUpdate>& name_space) = 0;

  /// Where a table's files go unless told otherwise.
  virtual std::string DefaultLocation(const TableIdentifier& table) const = 0;
};

}  // namespace sluice
