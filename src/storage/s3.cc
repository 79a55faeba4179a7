#include "storage/s3.h"

#include <arrow/filesystem/s3fs.h>

#include <utility>

#include "storage/arrow_error.h"
#include "storage/endpoint.h"

namespace sluice {
namespace {

// A store that says nothing for so long has lost the request: it is sent again.
constexpr double kConnectSeconds = 5, kSilenceSeconds = 20;
constexpr int64_t kAttempts = 5;

}  // namespace

void TakeCredentials(const StorageConfig& config, arrow::fs::S3Options& options) {
  if (!config.access_key.empty()) options.ConfigureAccessKey(config.access_key, config.secret_key, config.session_token);
  else if (!config.role_arn.empty()) options.ConfigureAssumeRoleCredentials(config.role_arn, "sluice", config.external_id);
  else options.ConfigureDefaultCredentials();
}

Result<std::string> RegionOf(const std::string& bucket, const StorageConfig& config) {
  if (!config.region.empty()) return config.region;
  if (!config.endpoint.empty()) return std::string("us-east-1");
  RETURN_IF_ERROR(FromArrow(arrow::fs::EnsureS3Initialized(), "s3://" + bucket));
  auto region = arrow::fs::ResolveS3BucketRegion(bucket);
  if (!region.ok()) return ErrorFromArrow(region.status(), "s3://" + bucket);
  return std::move(region).ValueUnsafe();
}

namespace {

// Where the bucket is, and as whom it is asked.
Result<arrow::fs::S3Options> MakeOptions(const std::string& bucket, const StorageConfig& config) {
  RETURN_IF_ERROR(FromArrow(arrow::fs::EnsureS3Initialized(), "s3://" + bucket));
  arrow::fs::S3Options options;
  if (!config.endpoint.empty()) {
    ASSIGN_OR_RETURN(Endpoint endpoint, ParseEndpoint(config.endpoint));
    options.scheme = std::move(endpoint.scheme);
    options.endpoint_override = std::move(endpoint.authority);
  }
  ASSIGN_OR_RETURN(options.region, RegionOf(bucket, config));
  TakeCredentials(config, options);
  options.tls_ca_file_path = config.ca_file;
  return options;
}

}  // namespace

Result<S3Keys> FindS3Keys(const std::string& bucket, const StorageConfig& config) {
  ASSIGN_OR_RETURN(const arrow::fs::S3Options options, MakeOptions(bucket, config));
  return S3Keys{options.GetAccessKey(), options.GetSecretKey(), options.GetSessionToken(), options.region};
}

Result<std::shared_ptr<arrow::fs::FileSystem>> OpenS3(const std::string& bucket, const StorageConfig& config) {
  ASSIGN_OR_RETURN(arrow::fs::S3Options options, MakeOptions(bucket, config));
  options.connect_timeout = kConnectSeconds;
  options.request_timeout = kSilenceSeconds;
  options.retry_strategy = arrow::fs::S3RetryStrategy::GetAwsStandardRetryStrategy(kAttempts);
  options.allow_delayed_open = true;  // A small object takes one request.
  auto made = arrow::fs::S3FileSystem::Make(options);
  if (!made.ok()) return ErrorFromArrow(made.status(), "s3://" + bucket);
  return std::shared_ptr<arrow::fs::FileSystem>(std::move(made).ValueUnsafe());
}

S3Library::~S3Library() { std::ignore = arrow::fs::EnsureS3Finalized(); }

}  // namespace sluice
