#pragma once

#include <memory>

#include "catalog/catalog.h"
#include "change/copy_state.h"
#include "iceberg/manifest_list.h"
#include "sink/lake/changes_writer.h"
#include "sink/lake/copy_target.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/table_id.h"
#include "sink/lake/table_writer.h"

namespace sluice {

/// One table of ours, with what was loaded of it.
struct LakeTable {
  TableIdentifier id;
  CopiedTable copied;                   ///< copy_lsn is unset while the copy goes on.
  CatalogTable current;                 ///< As of the last commit.
  iceberg::ManifestFiles manifests;     ///< Of the current snapshot; null: not read yet.
  LakeSchemaPtr schema;                 ///< Null until the first row.
  std::unique_ptr<TableWriter> writer;  ///< Null until the first change.
  std::unique_ptr<CopyTarget> copy;     ///< While the copy goes on.
  bool refilled = false;                ///< That copy takes the place of rows that are there.
  std::vector<iceberg::TableUpdate> refill_updates;  ///< The schema and partitions it is written by.

  LakeTable* changes = nullptr;            ///< The table of its changes; null: they are not kept.
  const LakeTable* changes_of = nullptr;   ///< Whose changes it has; null: it is the copy of a table of the source.
  std::unique_ptr<ChangesWriter> changes_writer;  ///< Of a table of changes; null until the first change.
  Timestamp versions_looked_at{};                 ///< Of a table of changes: when it was last looked for those that are too old.

  /// Whether its rows are those of one moment: nothing of it is being copied or catches up.
  bool is_complete() const {
    if (copied.catching_up_from) return false;
    return changes_of != nullptr ? changes_of->is_complete() : copied.copy_lsn.valid() && copy == nullptr;
  }
};

/// What one table cannot take, or what is wrong with its files; not what is wrong with the storage, or a conflict.
Error OfTable(const TableName& table, Error error);

/// A file is missing because another writer has replaced the state that it belonged to, and removed what that had: then a conflict,
/// after which everything begins again from the new state.
Error IfReplaced(Catalog& catalog, const LakeTable& table, Error error);

inline Error OfTable(Catalog& catalog, const LakeTable& table, Error error) {
  return OfTable(NameOf(table.id), IfReplaced(catalog, table, std::move(error)));
}

}  // namespace sluice
