#include "storage/azure.h"

#include <arrow/filesystem/azurefs.h>
#include <fmt/format.h>

#include <algorithm>

#include "observability/error_catalog.h"
#include "storage/arrow_error.h"
#include "storage/canonical_path.h"
#include "storage/endpoint.h"
#include "storage/no_throw.h"

namespace sluice {

namespace {

constexpr std::string_view kDfs = ".dfs.", kBlob = ".blob.";

Error NoPlace(std::string_view location) {
  return {ErrorKind::kNeedsOperator, fmt::format("the storage location '{}' names no folder in a container of an account", location), slu::kStorageLocation, "", "",
          {"spell it abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH"}};
}

}  // namespace

Result<AzurePlace> ParseAzurePlace(std::string_view spelled) {
  const std::string location = CanonicalUri(spelled);
  const size_t scheme = location.find("://") + 3, at = location.find('@'), host_end = std::min(location.find('/', scheme), location.size());
  if (at == std::string::npos || at == scheme || at > host_end) return NoPlace(spelled);
  const std::string host = location.substr(at + 1, host_end - at - 1);
  const size_t dfs = host.find(kDfs);
  ASSIGN_OR_RETURN(std::string path, CanonicalPath(location.substr(host_end)));
  if (dfs == std::string::npos || dfs == 0 || host.find('.') != dfs || path.empty()) return NoPlace(spelled);
  return AzurePlace{location.substr(0, host_end) + "/", location.substr(scheme, at - scheme), host.substr(0, dfs), host.substr(dfs + kDfs.size()), path.substr(1)};
}

Result<std::shared_ptr<arrow::fs::FileSystem>> OpenAzure(const AzurePlace& place, const StorageConfig& config) {
  arrow::fs::AzureOptions options;
  options.account_name = place.account;
  options.blob_storage_authority = std::string(kBlob) + place.suffix;
  options.dfs_storage_authority = std::string(kDfs) + place.suffix;
  options.background_writes = false;  // Of Arrow's threads nobody could catch what the SDK throws.
  if (!config.endpoint.empty()) {
    ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(config.endpoint));
    options.blob_storage_scheme = options.dfs_storage_scheme = endpoint.scheme;
    // One host for all accounts, which are the first part of the path then; or the account's own, which the location names already.
    if (!endpoint.authority.starts_with(place.account + ".")) options.blob_storage_authority = options.dfs_storage_authority = endpoint.authority;
  }
  const arrow::Status configured = NoThrow([&] { return config.secret_key.empty() ? options.ConfigureDefaultCredential() : options.ConfigureAccountKeyCredential(config.secret_key); });
  RETURN_IF_ERROR(FromArrow(configured, place.prefix));
  auto made = NoThrow([&] { return arrow::fs::AzureFileSystem::Make(options); });
  if (!made.ok()) return ErrorFromArrow(made.status(), place.prefix);
  return std::shared_ptr<arrow::fs::FileSystem>(std::make_shared<arrow::fs::SubTreeFileSystem>(place.container, std::move(made).ValueUnsafe()));
}

}  // namespace sluice
