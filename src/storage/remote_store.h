#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "storage/object_store.h"

namespace sluice {

/// Objects in a bucket of whatever Arrow has a FileSystem for. `location`: scheme://bucket/path.
Result<std::unique_ptr<ObjectStore>> OpenRemoteStore(std::string_view location, const StorageConfig& config);

}  // namespace sluice
