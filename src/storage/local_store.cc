#include "storage/local_store.h"

#include <arrow/filesystem/localfs.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "base/failpoint.h"
#include "base/parallel.h"
#include "storage/arrow_error.h"
#include "storage/canonical_path.h"
#include "storage/listing.h"
#include "storage/local_file.h"

namespace sluice {
namespace {

constexpr std::string_view kPrefix = "file://";
constexpr size_t kFlushThreads = 8;  // They wait for the disk.

class LocalStore final : public ObjectStore {
 public:
  explicit LocalStore(const std::string& path) : ObjectStore(std::string(kPrefix) + path, std::string(kPrefix)) {}

  // All are written before the first is flushed, and flushed side by side: the file system's journal then takes them together.
  Status PutAll(std::span<const ObjectBytes> objects) override {
    std::vector<std::string> paths;
    paths.reserve(objects.size());
    for (const ObjectBytes& object : objects) {
      ASSIGN_OR_RETURN(paths.emplace_back(), PathOf(object.uri));
      RETURN_IF_ERROR(WriteFile(paths.back(), object.bytes));
    }
    SLUICE_FAILPOINT("storage.written_not_flushed");
    std::set<std::string> folders;
    std::vector<std::function<Status()>> flushes;
    for (const std::string& path : paths) {
      flushes.emplace_back([&path] { return FlushFile(path); });
      folders.insert(path.substr(0, path.rfind('/') + 1));
    }
    for (const std::string& folder : folders) flushes.emplace_back([&folder] { return FlushFolder(folder); });
    return RunParallel(flushes, kFlushThreads);
  }

  Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    auto file = files_.OpenInputFile(path);
    if (!file.ok()) return ErrorFromArrow(file.status(), uri);
    return std::move(file).ValueUnsafe();
  }

  Result<std::shared_ptr<arrow::io::OutputStream>> OpenOutput(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    return OpenDurableFile(path);
  }

  Result<std::vector<ObjectInfo>> List(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    return ListFiles(files_, path, kPrefix);
  }

  Status Remove(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    return RemoveFile(path);
  }

  Result<bool> Exists(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    return FileExists(files_, path, kPrefix);
  }

 protected:
  Status PutPath(const std::string& path, std::string_view bytes) override {
    RETURN_IF_ERROR(WriteFile(path, bytes));
    RETURN_IF_ERROR(FlushFile(path));
    return FlushFolder(path);
  }

 private:
  arrow::fs::LocalFileSystem files_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenLocalStore(std::string_view location) {
  ASSIGN_OR_RETURN(const std::string path, CanonicalPath(location));
  RETURN_IF_ERROR(MakeFolders(path.empty() ? "/" : path));
  return std::unique_ptr<ObjectStore>(std::make_unique<LocalStore>(path));
}

}  // namespace sluice
