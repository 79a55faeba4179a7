#pragma once
// Files below a table's location that nothing refers to: what crashes and failed commits left behind.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "iceberg/manifest_cache.h"
#include "storage/object_store.h"

namespace sluice {

/// Which files may be left behind, and not on their way into a commit.
struct OrphanAge {
  uint64_t epoch = 0;           ///< Data files that carry a smaller one in their name were written by a process that is gone.
  Timestamp modified_before{};  ///< All others must be older.

  /// Whether nobody alive can still be at work on the file. `written_ms`: since 1970.
  bool IsLeft(std::string_view uri, int64_t written_ms) const;
};

/// Everything that the table's metadata file, some snapshot, its log of metadata files or its statistics refer to, and that
/// file itself; in the store's spelling.
Result<std::set<std::string>> ReachableFiles(iceberg::ManifestReader& reader, const CatalogTable& table);

/// Looks at the files first and at the table then, so that what is committed meanwhile is not among them. None if there is
/// no such table, or if the catalog does not name all files that are needed. Error: as ObjectStore and Catalog, kCorrupt.
Result<std::vector<ObjectInfo>> FindOrphans(ObjectStore& store, Catalog& catalog, iceberg::ManifestReader& reader, const TableIdentifier& id, const OrphanAge& age);

}  // namespace sluice
