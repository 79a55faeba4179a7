#include "storage/gcs.h"

#include <arrow/filesystem/gcsfs.h>

#include "storage/arrow_error.h"
#include "storage/endpoint.h"
#include "storage/no_throw.h"

namespace sluice {
namespace {

// The client's own limit is a quarter of an hour, in which nobody would hear of it.
constexpr double kRetrySeconds = 60;

}  // namespace

Result<std::shared_ptr<arrow::fs::FileSystem>> OpenGcs(const std::string& bucket, const StorageConfig& config) {
  arrow::fs::GcsOptions options = config.endpoint.empty() ? arrow::fs::GcsOptions::Defaults() : arrow::fs::GcsOptions::Anonymous();
  if (!config.endpoint.empty()) {
    ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(config.endpoint));
    options.scheme = endpoint.scheme;
    options.endpoint_override = endpoint.authority;
  }
  options.retry_limit_seconds = kRetrySeconds;
  auto made = NoThrow([&] { return arrow::fs::GcsFileSystem::Make(options); });
  if (!made.ok()) return ErrorFromArrow(made.status(), "gs://" + bucket);
  return std::shared_ptr<arrow::fs::FileSystem>(std::move(made).ValueUnsafe());
}

}  // namespace sluice
