#include "storage/object_store.h"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <fmt/format.h>

#include <algorithm>

#include "observability/error_catalog.h"
#include "storage/arrow_error.h"
#include "storage/canonical_path.h"
#include "storage/local_store.h"
#include "storage/remote_store.h"

namespace sluice {

Result<std::unique_ptr<ObjectStore>> ObjectStore::Open(std::string_view location, const StorageConfig& config) {
  constexpr std::string_view kLocal = "file://";
  if (location.starts_with('/')) return OpenLocalStore(location);
  if (location.starts_with("file:///")) return OpenLocalStore(location.substr(kLocal.size()));
  if (location.find("://") == std::string_view::npos)
    return Error{ErrorKind::kNeedsOperator, fmt::format("the storage location '{}' is neither an absolute path nor a URI", location), slu::kStorageLocation};
  return OpenRemoteStore(location, config);
}

Result<std::string> ObjectStore::PathOf(const std::string& spelled) const {
  const std::string uri = CanonicalUri(spelled);
  if (!uri.starts_with(uri_prefix_) || uri.size() == uri_prefix_.size())
    return Error{ErrorKind::kNeedsOperator, fmt::format("{} lies outside the store {}", uri, root_uri_), slu::kStorageLocation};
  return uri.substr(uri_prefix_.size());
}

Status ObjectStore::Put(const std::string& uri, std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
  return PutPath(path, bytes);
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

Status ObjectStore::Probe() {
  const std::string probe = root_uri_ + "/.sluice-probe";
  RETURN_IF_ERROR(Put(probe, "sluice"));
  RETURN_IF_ERROR(Get(probe));
  return Remove(probe);
}

Result<std::vector<UnfinishedUpload>> ObjectStore::ListUploads(const std::string&) { return std::vector<UnfinishedUpload>(); }

Status ObjectStore::AbortUpload(const UnfinishedUpload&) { return Ok(); }

bool IsNotFound(const Error& error) { return error.code == slu::kStorageNotFound; }

std::string SafePathSegment(std::string_view name) {
  std::string segment;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && !segment.empty());
    if (plain) segment += c;
    else segment += fmt::format("~{:02x}", static_cast<unsigned char>(c));
  }
  return segment.empty() ? "~" : segment;
}

}  // namespace sluice
