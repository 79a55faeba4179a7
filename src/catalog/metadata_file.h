#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "storage/object_store.h"

namespace sluice {

/// A table's next state, computed but not written.
struct NextMetadata {
  CatalogTable table;
  ObjectBytes file;  ///< The metadata file, under table.metadata_location.
  std::vector<std::string>
      forgotten;  ///< Metadata files that left the log: to be deleted after the commit.
};

/// Checks the commit's requirements against its base and applies its updates.
/// Error: kConflict, kCorrupt.
Result<NextMetadata> MakeNextMetadata(const TableCommit& commit, int64_t now_ms,
                                      int previous_files_max);

/// `<location>/metadata/<V>-<uuid>.metadata.json`, where V is one above that of `base_location`
/// (empty: 0).
std::string NextMetadataLocation(const std::string& table_location,
                                 const std::string& base_location);

/// Error: kCorrupt; as of ObjectStore.
Result<iceberg::TableMetadataPtr> ReadMetadataFile(ObjectStore& store, const std::string& location);

}  // namespace sluice
