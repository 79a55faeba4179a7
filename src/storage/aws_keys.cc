#include "storage/aws_keys.h"

#include <arrow/filesystem/s3fs.h>

#include "observability/error_catalog.h"
#include "storage/s3.h"

namespace sluice {

struct AwsKeyChain::Provider {
  arrow::fs::S3Options options;
};

AwsKeyChain::AwsKeyChain(const StorageConfig& config) : provider_(std::make_unique<Provider>()) {
  if (arrow::fs::EnsureS3Initialized().ok()) TakeCredentials(config, provider_->options);
}

AwsKeyChain::~AwsKeyChain() = default;

Result<AwsKeys> AwsKeyChain::Current() const {
  AwsKeys keys;
  const arrow::fs::S3Options& options = provider_->options;
  if (options.credentials_provider != nullptr) {
    // Each asks the chain, which may change to other keys in between.
    do keys = {options.GetAccessKey(), options.GetSecretKey(), options.GetSessionToken()};
    while (keys.access_key != options.GetAccessKey());
  }
  if (keys.access_key.empty() || keys.secret_key.empty())
    return Error{ErrorKind::kNeedsOperator, "there are no AWS credentials to sign requests with", slu::kStorageCredentials};
  return keys;
}

}  // namespace sluice
