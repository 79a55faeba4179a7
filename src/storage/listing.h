#pragma once
// What both kinds of store ask of an Arrow FileSystem in the same way. `prefix`: of URIs, before a path.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/object_store.h"

namespace arrow::fs {
class FileSystem;
}

namespace sluice {

Result<std::vector<ObjectInfo>> ListFiles(arrow::fs::FileSystem& files, const std::string& path, std::string_view prefix);

Result<bool> FileExists(arrow::fs::FileSystem& files, const std::string& path, std::string_view prefix);

}  // namespace sluice
