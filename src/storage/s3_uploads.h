#pragma once
// Unfinished uploads in a bucket of S3, by requests of our own: Arrow's FileSystem knows neither how to list them nor how to abort
// another process's.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/storage_config.h"
#include "storage/object_store.h"

namespace sluice {

/// Thread-safe. Nothing is sent, and no keys are looked for, before the first call.
class S3Uploads {
 public:
  S3Uploads(std::string bucket, StorageConfig config);
  ~S3Uploads();
  S3Uploads(const S3Uploads&) = delete;
  S3Uploads& operator=(const S3Uploads&) = delete;

  /// As ObjectStore. `path`: with the bucket, "lake/warehouse/public".
  Result<std::vector<UnfinishedUpload>> List(const std::string& path);
  Status Abort(const std::string& path, const std::string& id);

 private:
  class Requests;

  Result<Requests*> Open();

  const std::string bucket_;
  const StorageConfig config_;

  std::mutex mutex_;  // Guards the pointer.
  std::unique_ptr<Requests> requests_;
};

}  // namespace sluice
