#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "storage/object_store.h"

namespace sluice {

/// The catalog that a lake is configured with, made if missing. `store` must outlive it.
Result<std::unique_ptr<Catalog>> OpenCatalog(const LakeConfig& config, ObjectStore& store);

/// The same, only to be looked at: it makes nothing and refuses changes; null where there is none yet.
Result<std::unique_ptr<Catalog>> OpenCatalogToRead(const LakeConfig& config, ObjectStore& store);

/// Whether opening it would make a folder or a file.
bool LakeIsMissing(const LakeConfig& config);

/// A lake that is only looked at.
struct LakeToRead {
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<Catalog> catalog;  ///< Refuses changes.
};

/// Makes nothing, neither folders nor files nor tables; nullopt where there is no lake yet.
Result<std::optional<LakeToRead>> OpenLakeToRead(const LakeConfig& config);

}  // namespace sluice
