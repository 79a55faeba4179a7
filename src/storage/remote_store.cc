#include "storage/remote_store.h"

#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <fmt/format.h>

#include <functional>
#include <tuple>
#include <utility>

#include "base/parallel.h"
#include "config/storage_section.h"
#include "observability/error_catalog.h"
#include "storage/arrow_error.h"
#include "storage/azure.h"
#include "storage/canonical_path.h"
#include "storage/gcs.h"
#include "storage/listing.h"
#include "storage/no_throw.h"
#include "storage/s3.h"
#include "storage/s3_uploads.h"

namespace sluice {
namespace {

constexpr size_t kPutThreads = 8;  // They wait for the network most of the time.

/// Arrow's own completes what was written when it is destroyed, and at Google also when it is aborted; in Azure an empty object is there from the beginning.
class AbandonedUnlessClosed final : public arrow::io::OutputStream {
 public:
  /// `remove`: takes away what an abort leaves. Null: it leaves nothing.
  AbandonedUnlessClosed(std::shared_ptr<arrow::io::OutputStream> stream, std::function<void()> remove) : stream_(std::move(stream)), remove_(std::move(remove)) {}
  ~AbandonedUnlessClosed() override {
    if (closed_) return;
    std::ignore = NoThrow([&] { return stream_->Abort(); });
    if (remove_) remove_();
  }

  arrow::Status Write(const void* bytes, int64_t size) override { return NoThrow([&] { return stream_->Write(bytes, size); }); }
  using arrow::io::OutputStream::Write;
  arrow::Status Flush() override { return NoThrow([&] { return stream_->Flush(); }); }
  arrow::Status Close() override {
    ARROW_RETURN_NOT_OK(NoThrow([&] { return stream_->Close(); }));
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override { return stream_->Tell(); }
  bool closed() const override { return closed_; }

 private:
  const std::shared_ptr<arrow::io::OutputStream> stream_;
  const std::function<void()> remove_;
  bool closed_ = false;
};

class RemoteStore final : public ObjectStore {
 public:
  /// `uploads`: of S3, whose aborted ones leave nothing; else null.
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
    auto file = NoThrow([&] { return files_->OpenInputFile(path); });
    if (!file.ok()) return ErrorFromArrow(file.status(), uri);
    return std::shared_ptr<arrow::io::RandomAccessFile>(std::make_shared<NoThrowInput>(std::move(file).ValueUnsafe()));
  }

  Result<std::shared_ptr<arrow::io::OutputStream>> OpenOutput(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    auto stream = NoThrow([&] { return files_->OpenOutputStream(path); });
    if (!stream.ok()) return WritingFailed(stream.status(), uri);
    std::function<void()> remove;
    if (uploads_ == nullptr) remove = [files = files_, path] { std::ignore = NoThrow([&] { return files->DeleteFile(path); }); };
    return std::shared_ptr<arrow::io::OutputStream>(std::make_shared<AbandonedUnlessClosed>(std::move(stream).ValueUnsafe(), std::move(remove)));
  }

  Result<std::vector<ObjectInfo>> List(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    return ListFiles(*files_, path, UriOf(""));
  }

  Status Remove(const std::string& uri) override {
    ASSIGN_OR_RETURN(const std::string path, PathOf(uri));
    const arrow::Status removed = NoThrow([&] { return files_->DeleteFile(path); });
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
