#pragma once
// One table of the lake at one snapshot, as the rows of a copy into a PostgreSQL.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "change/row_receiver.h"
#include "change/table_definition.h"
#include "iceberg/manifest_cache.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/table_files.h"
#include "storage/object_store.h"

namespace sluice {

/// Immutable; thread-safe.
class LakeRows {
 public:
  /// `snapshot_id`: unset: the table had none yet. `store` must outlive it.
  /// Error: kNeedsOperator (4170) where no PostgreSQL can be given the table, saying why; kCorrupt, and as ObjectStore.
  static Result<std::unique_ptr<const LakeRows>> Open(ObjectStore& store, iceberg::ManifestCache& cache, const TableName& name, const CatalogTable& table,
                                                      std::optional<int64_t> snapshot_id);

  /// The source's table as it was then. Its one leaf stands for the lake's files: `pages` counts them.
  const TableDefinition& definition() const { return definition_; }
  /// The same for who takes what Read gives: no type has a binary form.
  TableDefinition AsText() const;
  /// The table as it was then, for whoever reads the current one.
  const CatalogTable& at_snapshot() const { return at_snapshot_; }

  size_t file_count() const { return files_.size(); }
  uint64_t bytes_of(size_t file) const { return file_bytes_[file]; }
  uint64_t rows() const;

  /// Hands over the rows of files [first, end), in the order of their names. Error: kNeedsOperator (4170) for a value that no PostgreSQL
  /// takes; what the receiver says; kCorrupt, and as ObjectStore.
  Status Read(size_t first, size_t end, RowReceiver& receiver) const;

  /// Where the sequences that its columns own may go on: behind the highest value in the files, deleted rows included.
  void SetSequenceValues(std::vector<SequenceDefinition>& sequences) const;

 private:
  explicit LakeRows(ObjectStore& store) : store_(store) {}
  Status LoadFiles(iceberg::ManifestCache& cache);

  ObjectStore& store_;
  TableDefinition definition_;
  CatalogTable at_snapshot_;
  LakeSchemaPtr schema_;
  std::vector<TableFile> files_;
  std::vector<uint64_t> file_bytes_;                           // As files_.
  std::vector<std::pair<std::optional<int64_t>, std::optional<int64_t>>> bounds_;  // Per column: lowest and highest, where it holds whole numbers.
};

}  // namespace sluice
