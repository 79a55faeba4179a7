#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "catalog/catalog_database.h"

namespace sluice {

/// One SQLite file, made if missing. A commit is durable before it returns.
Result<std::unique_ptr<CatalogDatabase>> OpenSqliteDatabase(const std::string& path, int busy_timeout_ms = 10'000);

/// One SQLite file that is there already, for reading: also by a user who may not write to it, or on a file system that nobody
/// may write to.
Result<std::unique_ptr<CatalogDatabase>> OpenSqliteToRead(const std::string& path, int busy_timeout_ms = 10'000);

}  // namespace sluice
