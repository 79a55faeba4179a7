#pragma once
// Commits into a catalog that takes one table at a time (decision 0025). Each table's rows and mark change together, and only from the
// snapshot that they were made for; the namespace comes last, so that tables may be ahead of the bookmark, never behind.

#include <vector>

#include "catalog/catalog.h"
#include "iceberg/manifest_cache.h"
#include "storage/object_store.h"

namespace sluice {

/// Error: kConflict (4020) where the namespace is not as expected.
Status CheckExpected(Catalog& catalog, const NamespaceUpdate& update);

/// Makes a commit without a snapshot come with one that shows the same rows, and writes its manifest list as ObjectStore::PutLater does. So nothing gets in afterwards
/// that was made for the table as it was before, and this does not get in after anything else.
Status MoveSnapshot(ObjectStore& store, iceberg::ManifestReader& reader, int64_t timestamp_ms, TableCommit& commit);

/// All at once where the catalog can; else each table, several at a time, and then what is to be set in the namespace. The first `first` ones
/// are there before any of the others.
/// Error: as of Catalog::Commit; kOutcomeUnknown also where some tables are committed and others are not.
Result<std::vector<CatalogTable>> CommitInTurn(Catalog& catalog, const std::vector<TableCommit>& tables, const NamespaceUpdate& update, size_t first = 0);

}  // namespace sluice
