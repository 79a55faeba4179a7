#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "storage/object_store.h"

namespace sluice {

/// Objects as files, flushed with the folders that name them. `path`: absolute.
Result<std::unique_ptr<ObjectStore>> OpenLocalStore(std::string_view path);

}  // namespace sluice
