#include "sink/lake/lake_table.h"

#include "change/table_error.h"
#include "observability/error_catalog.h"
#include "storage/object_store.h"

namespace sluice {

Error OfTable(const TableName& table, Error error) {
  const bool of_storage = error.code == slu::kStorageLocation || error.code == slu::kStoragePermission || error.code == slu::kStorageFull ||
                          error.code == slu::kStorageFailed;
  return of_storage || error.kind == ErrorKind::kConflict ? error : About(table, std::move(error));
}

Error IfReplaced(Catalog& catalog, const LakeTable& table, Error error) {
  if (!IsNotFound(error)) return error;
  const auto now = catalog.MetadataLocation(table.id);
  if (!now.ok() || *now == table.current.metadata_location) return error;
  return Error{ErrorKind::kConflict, "table " + ToString(table.id) + " was changed by another writer, who removed files of before", slu::kCatalogConflict, error.message};
}

}  // namespace sluice
