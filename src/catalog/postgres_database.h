#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "catalog/catalog_access.h"
#include "catalog/catalog_database.h"

namespace sluice {

/// A database of a PostgreSQL server; the tables go where the role's search_path says. Connects again by itself.
/// `catalog_name`: commits of one catalog come one after another.
Result<std::unique_ptr<CatalogDatabase>> OpenPostgresDatabase(const std::string& dsn, const std::string& catalog_name,
                                                              CatalogAccess access = CatalogAccess::kWrite);

}  // namespace sluice
