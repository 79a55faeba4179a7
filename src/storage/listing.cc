#include "storage/listing.h"

#include <arrow/filesystem/filesystem.h>

#include <chrono>

#include "storage/arrow_error.h"
#include "storage/no_throw.h"

namespace sluice {

Result<std::vector<ObjectInfo>> ListFiles(arrow::fs::FileSystem& files, const std::string& path, std::string_view prefix) {
  arrow::fs::FileSelector selector;
  selector.base_dir = path;
  selector.recursive = true;
  selector.allow_not_found = true;
  const auto found = NoThrow([&] { return files.GetFileInfo(selector); });
  if (!found.ok()) return ErrorFromArrow(found.status(), std::string(prefix) + path);
  std::vector<ObjectInfo> objects;
  for (const arrow::fs::FileInfo& info : *found) {
    if (!info.IsFile()) continue;
    const auto modified = std::chrono::duration_cast<std::chrono::milliseconds>(info.mtime().time_since_epoch());
    objects.push_back({std::string(prefix) + info.path(), info.size(), modified.count()});
  }
  return objects;
}

Result<bool> FileExists(arrow::fs::FileSystem& files, const std::string& path, std::string_view prefix) {
  const auto info = NoThrow([&] { return files.GetFileInfo(path); });
  if (!info.ok()) return ErrorFromArrow(info.status(), std::string(prefix) + path);
  return info->type() == arrow::fs::FileType::File;
}

}  // namespace sluice
