#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "catalog/catalog_database.h"

namespace sluice {

/// One SQLite file, made if missing. A commit is durable before it returns.
Result<std::unique_ptr<CatalogDatabase>> OpenSqliteDatabase(const std::string& path, int busy_timeout_ms = 10'000);

}  // namespace sluice
