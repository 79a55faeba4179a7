#pragma once
// A catalog that a server of Iceberg's REST protocol keeps (decision 0020). The server writes metadata files; data, manifests and lists
// are written by whoever commits. One transaction commits many tables, and the properties of a namespace with them (ledger.h); where the
// server has no transactions, a commit is of one table or of the properties (decision 0025).

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/catalog_access.h"
#include "catalog/ledger.h"
#include "catalog/name_rules.h"
#include "catalog/rest_answers.h"
#include "catalog/rest_connection.h"
#include "storage/object_store.h"

namespace sluice {

class RemoteCatalog final : public Catalog {
 public:
  /// The lake's tables lie under `store`'s root; it must outlive the catalog. Error: kNeedsOperator where changes are asked for and the
  /// server takes no commits (4145) or puts tables elsewhere (4146); else as of RestConnection.
  static Result<std::unique_ptr<RemoteCatalog>> Open(const RestCatalogConfig& config, const StorageConfig& storage, ObjectStore& store, CatalogAccess access, RestLimits limits = {});

  Status CreateNamespace(const std::string& name_space) override;
  Result<std::optional<iceberg::Properties>> NamespaceProperties(const std::string& name_space) override;
  Result<std::vector<std::string>> ListNamespaces() override;
  Result<std::vector<TableIdentifier>> ListTables(const std::string& name_space) override;
  Result<std::optional<std::string>> MetadataLocation(const TableIdentifier& table) override;
  Result<std::optional<CatalogTable>> LoadTable(const TableIdentifier& table) override;
  Status DropTable(const TableIdentifier& table) override;
  bool commits_many_tables() const override { return connection_->offers_transactions(); }
  bool names_all_files() const override { return removes_orphans_; }
  /// A property that any update expects must only be changed by updates that expect it.
  Result<std::vector<CatalogTable>> Commit(const std::vector<TableCommit>& tables, const std::optional<NamespaceUpdate>& name_space) override;
  std::string DefaultLocation(const TableIdentifier& table) const override;

  const RestConnection& connection() const { return *connection_; }

 private:
  RemoteCatalog(std::unique_ptr<const Clock> clock, std::unique_ptr<RestConnection> connection, ObjectStore& store, CatalogAccess access, NameRules names, bool removes_orphans)
      : clock_(std::move(clock)), connection_(std::move(connection)), store_(store), access_(access), names_(names), removes_orphans_(removes_orphans) {}

  Status RefuseToRead() const;
  /// All names that the answers to `path` list, page after page.
  Result<std::vector<std::string>> List(const std::string& path, Result<ListPage> (*page_from)(const nlohmann::ordered_json&));
  Status ListBelow(const std::string& parent, size_t depth, std::vector<std::string>& names);

  Result<std::optional<Ledger>> LoadLedger(const std::string& name_space);
  Result<Ledger> MakeLedger(const std::string& name_space);
  Result<Ledger> KnownLedger(const NamespaceUpdate& update);

  Result<std::vector<CatalogTable>> CommitAlone(const std::vector<TableCommit>& tables);
  Result<std::vector<CatalogTable>> CommitOne(const TableCommit& commit);
  Result<std::vector<CatalogTable>> Create(const TableCommit& commit);
  Result<RestAnswer> Send(const std::vector<TableCommit>& tables, const TableCommit& ledger);
  Result<CatalogTable> MakeEmptyLedger(const TableIdentifier& id);
  Status CommitWithLedger(const std::vector<TableCommit>& tables, const NamespaceUpdate& update);
  /// Whether what was sent took effect; when this says no, it never will.
  Result<bool> Settle(const std::string& name_space, const std::string& commit_uuid, int64_t snapshot);
  Result<std::vector<CatalogTable>> LoadCommitted(const std::vector<TableCommit>& tables);
  int64_t NowMs() const;

  const std::unique_ptr<const Clock> clock_;
  const std::unique_ptr<RestConnection> connection_;
  ObjectStore& store_;
  const CatalogAccess access_;
  const NameRules names_;
  const bool removes_orphans_;

  std::mutex mutex_;  // Commits with a ledger come one after another. Guards the ledgers.
  std::map<std::string, Ledger> ledgers_;
};

}  // namespace sluice
