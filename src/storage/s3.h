#pragma once
// Amazon's S3 and what speaks its protocol, through Arrow and the AWS SDK inside of it.

#include <memory>
#include <string>

#include "base/result.h"
#include "config/storage_config.h"

namespace arrow::fs {
class FileSystem;
struct S3Options;
}

namespace sluice {

/// By the configuration's keys or role, else by the SDK's own chain.
void TakeCredentials(const StorageConfig& config, arrow::fs::S3Options& options);

/// What requests to a bucket are signed with at this moment; those of a role run out. All empty: nothing is found, and requests are not signed.
struct S3Keys {
  std::string access_key, secret_key, session_token, region;
};
Result<S3Keys> FindS3Keys(const std::string& bucket, const StorageConfig& config);

/// As configured; else "us-east-1" of another store than Amazon's, who is asked.
Result<std::string> RegionOf(const std::string& bucket, const StorageConfig& config);

/// Asks for the bucket's region where none is given; nothing else is sent yet.
Result<std::shared_ptr<arrow::fs::FileSystem>> OpenS3(const std::string& bucket, const StorageConfig& config);

/// One at the top of main: the SDK must be taken down while all statics are still there.
struct S3Library {
  S3Library() = default;
  S3Library(const S3Library&) = delete;
  S3Library& operator=(const S3Library&) = delete;
  ~S3Library();
};

}  // namespace sluice
