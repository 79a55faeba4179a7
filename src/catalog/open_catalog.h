#pragma once

#include <memory>

#include "base/result.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "storage/object_store.h"

namespace sluice {

/// The catalog that a lake is configured with, made if missing. `store` must outlive it.
Result<std::unique_ptr<Catalog>> OpenCatalog(const LakeConfig& config, ObjectStore& store);

/// Whether opening it would make a file.
bool CatalogIsMissing(const LakeConfig& config);

}  // namespace sluice
