#include "storage/object_store.h"

#include <arrow/buffer.h>
#include <arrow/filesystem/filesystem.h>
#include <arrow/filesystem/localfs.h>
#include <arrow/io/interfaces.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "storage/arrow_error.h"
#include "storage/local_file.h"

namespace sluice {
namespace {

constexpr std::string_view kLocalPrefix = "file://";

/// Without `.`, doubled and trailing slashes. Error: kNeedsOperator on `..`.
Result<std::string> CanonicalPath(std::string_view path) {
  std::string canonical;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
    if (segment.empty() || segment == ".") continue;
    if (segment == "..")
      return Error{ErrorKind::kNeedsOperator, "a storage location holds '..'",
                   slu::kStorageLocation};
    canonical.append("/").append(segment);
  }
  return canonical;
}

}  // namespace

ObjectStore::ObjectStore(std::shared_ptr<arrow::fs::FileSystem> file_system, std::string root_uri,
                         std::string uri_prefix, bool local)
    : file_system_(std::move(file_system)),
      root_uri_(std::move(root_uri)),
      uri_prefix_(std::move(uri_prefix)),
      local_(local) {}

ObjectStore::~ObjectStore() = default;

Result<std::unique_ptr<ObjectStore>> ObjectStore::Open(std::string_view location) {
  const bool is_path = location.starts_with("/");
  if (is_path || location.starts_with("file:///")) {
    ASSIGN_OR_RETURN(std::string path,
                     CanonicalPath(is_path ? location : location.substr(kLocalPrefix.size())));
    if (path.find_first_of("%?#") != std::string::npos)
      return Error{ErrorKind::kNeedsOperator,
                   fmt::format("the storage location {} holds one of '%', '?', '#'", path),
                   slu::kStorageLocation};
    RETURN_IF_ERROR(MakeFolders(path.empty() ? "/" : path));
    std::string root = std::string(kLocalPrefix) + path;
    return std::unique_ptr<ObjectStore>(
        new ObjectStore(std::make_shared<arrow::fs::LocalFileSystem>(), std::move(root),
                        std::string(kLocalPrefix), /*local=*/true));
  }
  const size_t scheme = location.find("://");
  if (scheme == std::string_view::npos)
    return Error{
        ErrorKind::kNeedsOperator,
        fmt::format("the storage location '{}' is neither an absolute path nor a URI", location),
        slu::kStorageLocation};
  std::string path;
  auto opened = arrow::fs::FileSystemFromUri(std::string(location), &path);
  if (!opened.ok()) return ErrorFromArrow(opened.status(), std::string(location));
  while (path.ends_with('/')) path.pop_back();
  std::string prefix(location.substr(0, scheme + 3));
  std::string root = prefix + path;
  return std::unique_ptr<ObjectStore>(new ObjectStore(
      std::move(opened).ValueUnsafe(), std::move(root), std::move(prefix), /*local=*/false));
}

Result<std::string> ObjectStore::PathOf(const std::string& uri) const {
  if (!uri.starts_with(uri_prefix_) || uri.size() == uri_prefix_.size())
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("{} lies outside the store {}", uri, root_uri_),
                 slu::kStorageLocation};
  return uri.substr(uri_prefix_.size());
}

Status ObjectStore::Put(const std::string& uri, std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
  if (local_) {
    RETURN_IF_ERROR(WriteFile(path, bytes));
    if (Status flushed = FlushFile(path); !flushed.ok()) return flushed;
    return FlushFolder(path);
  }
  auto stream = file_system_->OpenOutputStream(path);
  if (!stream.ok()) return ErrorFromArrow(stream.status(), uri);
  const auto size = static_cast<int64_t>(bytes.size());
  if (const auto written = (*stream)->Write(bytes.data(), size); !written.ok())
    return ErrorFromArrow(written, uri);
  return FromArrow((*stream)->Close(), uri);
}

Status ObjectStore::PutAll(std::span<const ObjectBytes> objects) {
  if (!local_) {
    for (const ObjectBytes& object : objects) RETURN_IF_ERROR(Put(object.uri, object.bytes));
    return Ok();
  }
  // All are written before the first is flushed: the file system's journal then takes them
  // together.
  std::vector<std::string> paths;
  paths.reserve(objects.size());
  for (const ObjectBytes& object : objects) {
    ASSIGN_OR_RETURN(paths.emplace_back(), PathOf(object.uri));
    RETURN_IF_ERROR(WriteFile(paths.back(), object.bytes));
  }
  SLUICE_FAILPOINT("storage.written_not_flushed");
  std::vector<std::string> folders;
  for (const std::string& path : paths) {
    RETURN_IF_ERROR(FlushFile(path));
    folders.push_back(path.substr(0, path.rfind('/')));
  }
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  for (const std::string& folder : folders) RETURN_IF_ERROR(FlushFolder(folder + "/"));
  return Ok();
}

Result<std::shared_ptr<arrow::io::RandomAccessFile>> ObjectStore::OpenInput(
    const std::string& uri) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
  auto file = file_system_->OpenInputFile(path);
  if (!file.ok()) return ErrorFromArrow(file.status(), uri);
  return std::move(file).ValueUnsafe();
}

Result<std::string> ObjectStore::Get(const std::string& uri) {
  ASSIGN_OR_RETURN(const auto file, OpenInput(uri));
  const auto size = file->GetSize();
  if (!size.ok()) return ErrorFromArrow(size.status(), uri);
  return ReadFrom(*file, uri, 0, *size);
}

Result<std::string> ObjectStore::GetRange(const std::string& uri, int64_t offset, int64_t length) {
  ASSIGN_OR_RETURN(const auto file, OpenInput(uri));
  const auto size = file->GetSize();
  if (!size.ok()) return ErrorFromArrow(size.status(), uri);
  if (offset < 0 || length < 0 || offset >= *size) return std::string();
  return ReadFrom(*file, uri, offset, std::min(length, *size - offset));
}

Result<std::shared_ptr<arrow::io::OutputStream>> ObjectStore::OpenOutput(const std::string& uri) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
  if (local_) return OpenDurableFile(path);
  auto stream = file_system_->OpenOutputStream(path);
  if (!stream.ok()) return ErrorFromArrow(stream.status(), uri);
  return std::move(stream).ValueUnsafe();
}

Result<std::vector<ObjectInfo>> ObjectStore::List(const std::string& uri) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
  arrow::fs::FileSelector selector;
  selector.base_dir = path;
  selector.recursive = true;
  selector.allow_not_found = true;
  const auto found = file_system_->GetFileInfo(selector);
  if (!found.ok()) return ErrorFromArrow(found.status(), uri);
  std::vector<ObjectInfo> objects;
  for (const arrow::fs::FileInfo& info : *found) {
    if (!info.IsFile()) continue;
    const auto modified =
        std::chrono::duration_cast<std::chrono::milliseconds>(info.mtime().time_since_epoch());
    objects.push_back({uri_prefix_ + info.path(), info.size(), modified.count()});
  }
  return objects;
}

Status ObjectStore::Remove(const std::string& uri) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
  if (local_) return RemoveFile(path);
  const arrow::Status removed = file_system_->DeleteFile(path);
  if (removed.ok()) return Ok();
  ASSIGN_OR_RETURN(const bool exists, Exists(uri));
  return exists ? Status(ErrorFromArrow(removed, uri)) : Ok();
}

Result<bool> ObjectStore::Exists(const std::string& uri) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
  const auto info = file_system_->GetFileInfo(path);
  if (!info.ok()) return ErrorFromArrow(info.status(), uri);
  return info->type() == arrow::fs::FileType::File;
}

bool IsNotFound(const Error& error) { return error.code == slu::kStorageNotFound; }

std::string SafePathSegment(std::string_view name) {
  std::string segment;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || (c == '.' && !segment.empty());
    if (plain)
      segment += c;
    else
      segment += fmt::format("~{:02x}", static_cast<unsigned char>(c));
  }
  return segment.empty() ? "~" : segment;
}

}  // namespace sluice
