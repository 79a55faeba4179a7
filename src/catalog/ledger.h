#pragma once
// The properties of a namespace, kept in a table of a REST catalog, since its transactions hold only tables.
//
// A property that commits are conditioned on is changed only together with the table's current snapshot, which is empty. So a
// commit that requires that snapshot is refused once such a property has changed, by the server and at one moment with all
// the rest of the commit. The table remembers which commit came last under its snapshot and the one before:
//
//   sluice-ledger.commit.SNAPSHOT   a UUID
//   sluice-ledger.previous          the snapshot before

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "storage/object_store.h"

namespace sluice {

inline constexpr char kLedgerTable[] = "sluice_ledger";

/// What a commit writes into the ledger. Everything happens at the server; this only says what.
struct LedgerChange {
  TableCommit commit;
  std::vector<ObjectBytes> files;          ///< To be written before.
  std::vector<std::string> forgotten;      ///< To be removed after.
  std::string commit_uuid;
};

/// A ledger as it was loaded.
class Ledger {
 public:
  /// Error: kCorrupt: the table has no snapshot, so it is none.
  static Result<Ledger> From(TableIdentifier id, CatalogTable table);

  /// What makes it, its first snapshot included.
  static LedgerChange Make(const TableIdentifier& id, const std::string& location, int64_t now_ms);

  /// The same in two steps, for a server that makes only empty tables.
  static TableCommit MakeEmpty(const TableIdentifier& id, const std::string& location);
  static LedgerChange MakeFirst(const TableIdentifier& id, const CatalogTable& empty, int64_t now_ms);
  /// Whether only the first step was done.
  static bool IsEmpty(const CatalogTable& table);

  /// Without what is the ledger's own.
  iceberg::Properties properties() const;
  int64_t snapshot() const { return snapshot_; }
  const CatalogTable& table() const { return table_; }

  /// Error: kConflict, naming the property that is not as expected.
  Status CheckExpected(const NamespaceUpdate& update) const;

  /// Requires the snapshot, and changes it if the update changes a property that it expects.
  LedgerChange Change(const NamespaceUpdate& update, int64_t now_ms) const;

  /// Changes nothing but the snapshot: whatever was sent under it is refused afterwards.
  LedgerChange Fence(int64_t now_ms) const;

  /// Whether that commit took effect under `snapshot`; nullopt: that is no longer known.
  std::optional<bool> Holds(const std::string& commit_uuid, int64_t snapshot) const;

  /// As it is after a change that kept the snapshot.
  void Apply(const NamespaceUpdate& update, const std::string& commit_uuid);

 private:
  Ledger(TableIdentifier id, CatalogTable table, int64_t snapshot) : id_(std::move(id)), table_(std::move(table)), snapshot_(snapshot) {}

  LedgerChange Begin() const;
  void MoveOn(int64_t now_ms, LedgerChange& change) const;

  TableIdentifier id_;
  CatalogTable table_;
  int64_t snapshot_ = 0;
};

}  // namespace sluice
