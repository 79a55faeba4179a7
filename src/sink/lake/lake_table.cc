#include "sink/lake/lake_table.h"

#include "change/table_error.h"
#include "observability/error_catalog.h"

namespace sluice {

Error OfTable(const TableName& table, Error error) {
  const bool of_storage = error.code == slu::kStorageLocation || error.code == slu::kStoragePermission || error.code == slu::kStorageFull ||
                          error.code == slu::kStorageFailed;
  return of_storage ? error : About(table, std::move(error));
}

}  // namespace sluice
