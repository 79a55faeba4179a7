#include "storage/remote_store.h"

#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <fmt/format.h>

#include <functional>
#include <utility>

#include "base/parallel.h"
#include "config/storage_section.h"
#include "observability/error_catalog.h"
#include "storage/arrow_error.h"
#include "storage/azure.h"
#include "storage/canonical_path.h"
#include "storage/gcs.h"
#include "storage/listing.h"
#include "storage/s3.h"
#include "storage/s3_uploads.h"

namespace sluice {
namespace {

constexpr size_t kPutThreads = 8;  // They wait for the network most of the time.

/// Arrow's own completes what was written when it is destroyed.
class AbandonedUnlessClosed final : public arrow::io::OutputStream {
 public:
  explicit AbandonedUnlessClosed(std::shared_ptr<arrow::io::OutputStream> stream) : stream_(std::move(stream)) {}
  ~AbandonedUnlessClosed() override {
    if (!closed_) std::ignore = stream_->Abort();
  }

  arrow::Status Write(const void* bytes, int64_t size) override { return stream_->Write(bytes, size); }
  using arrow::io::OutputStream::Write;
  arrow::Status Flush() override { return stream_->Flush(); }
  arrow::Status Close() override {
    ARROW_RETURN_NOT_OK(stream_->Close());
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override { return stream_->Tell(); }
  bool closed() const override { return closed_; }

 private:
  const std::shared_ptr<arrow::io::OutputStream> stream_;
  bool closed_ = false;
};

class RemoteStore final : public ObjectStore {
 public:
  /// `uploads`: null where they cannot be listed.
  RemoteStore(std::shared_ptr<arrow::fs::FileSystem> files, std::unique_ptr<S3Uploads> uploads, std::string root_uri, std::string uri_prefix)
      : ObjectStore(std::move(root_uri), std::move(uri_prefix)), files_(std::move(files)), uploads_(std::move(uploads)) {}

  Status PutAll(std::span<const ObjectBytes> objects) override {
    std::vector<std::function<Status()>> puts;
    puts.reserve(objects.size());
    for (const ObjectBytes& object : objects) puts.emplace_back([this, &object] { return Put(object.uri, object.bytes); });
    return RunParallel(puts, kPutThreads);
  }

  Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    auto file = files_->OpenInputFile(path);
    if (!file.ok()) return ErrorFromArrow(file.status(), uri);
    return std::move(file).ValueUnsafe();
  }

  Result<std::shared_ptr<arrow::io::OutputStream>> OpenOutput(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    auto stream = files_->OpenOutputStream(path);
    if (!stream.ok()) return WritingFailed(stream.status(), uri);
    return std::shared_ptr<arrow::io::OutputStream>(std::make_shared<AbandonedUnlessClosed>(std::move(stream).ValueUnsafe()));
  }

  Result<std::vector<ObjectInfo>> List(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    return ListFiles(*files_, path, UriOf(""));
  }

  Status Remove(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    const arrow::Status removed = files_->DeleteFile(path);
    if (removed.ok()) return Ok();
    ASSIGN_OR_RETURN(const bool exists, Exists(uri));
    return exists ? Status(ErrorFromArrow(removed, uri)) : Ok();
  }

  Result<bool> Exists(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    return FileExists(*files_, path, UriOf(""));
  }

  Result<std::vector<UnfinishedUpload>> ListUploads(const std::string& uri) override {
    if (uploads_ == nullptr) return std::vector<UnfinishedUpload>();
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    return uploads_->List(path);
  }

  Status AbortUpload(const UnfinishedUpload& upload) override {
    if (uploads_ == nullptr) return Ok();
    ASSIGN_OR_RETURN(const std::string path, PathOf(upload.uri));
    return uploads_->Abort(path, upload.id);
  }

 protected:
  Status PutPath(const std::string& path, std::string_view bytes) override {
    const std::string uri = UriOf(path);
    ASSIGN_OR_RETURN(const auto stream, OpenOutput(uri));
    arrow::Status written = stream->Write(bytes.data(), static_cast<int64_t>(bytes.size()));
    if (written.ok()) written = stream->Close();
    return written.ok() ? Ok() : Status(WritingFailed(written, uri));
  }

 private:
  /// What a new object lacks is its bucket.
  static Error WritingFailed(const arrow::Status& status, const std::string& uri) {
    Error error = ErrorFromArrow(status, uri);
    if (IsNotFound(error)) error.kind = ErrorKind::kNeedsOperator, error.code = slu::kStorageLocation;
    return error;
  }

  const std::shared_ptr<arrow::fs::FileSystem> files_;
  const std::unique_ptr<S3Uploads> uploads_;
};

struct Place {
  std::string prefix;  ///< "s3://"; what the file system's paths lack of URIs.
  std::string bucket;
  std::string path;    ///< "bucket/warehouse", as the file system has it.
};

Result<Place> Parse(std::string_view location) {
  const size_t scheme = location.find("://");
  ASSIGN_OR_RETURN(std::string path, CanonicalPath(location.substr(scheme + 3)));
  if (path.empty())
    return Error{ErrorKind::kNeedsOperator, fmt::format("the storage location '{}' names no bucket", location), slu::kStorageLocation};
  path.erase(0, 1);
  return Place{std::string(location.substr(0, scheme + 3)), path.substr(0, path.find('/')), path};
}

std::unique_ptr<ObjectStore> StoreOf(std::shared_ptr<arrow::fs::FileSystem> files, std::string prefix, const std::string& path, std::unique_ptr<S3Uploads> uploads = nullptr) {
  std::string root = prefix + path;
  return std::make_unique<RemoteStore>(std::move(files), std::move(uploads), std::move(root), std::move(prefix));
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenRemoteStore(std::string_view location, const StorageConfig& config) {
  const std::string uri(location);
  if (IsInAzure(uri)) {
    ASSIGN_OR_RETURN(const AzurePlace place, ParseAzurePlace(location));
    ASSIGN_OR_RETURN(auto files, OpenAzure(place, config));
    return StoreOf(std::move(files), place.prefix, place.path);
  }
  ASSIGN_OR_RETURN(const Place place, Parse(location));
  if (IsAtGoogle(uri)) {
    ASSIGN_OR_RETURN(auto files, OpenGcs(place.bucket, config));
    return StoreOf(std::move(files), place.prefix, place.path);
  }
  if (place.prefix != "s3://")
    return Error{ErrorKind::kNeedsOperator, fmt::format("the storage location '{}' is in no store that is known", location), slu::kStorageLocation};
  ASSIGN_OR_RETURN(auto files, OpenS3(place.bucket, config));
  return StoreOf(std::move(files), place.prefix, place.path, std::make_unique<S3Uploads>(place.bucket, config));
}

}  // namespace sluice
