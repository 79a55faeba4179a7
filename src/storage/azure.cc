#include "storage/azure.h"

#include <arrow/filesystem/azurefs.h>
#include <fmt/format.h>

#include "observability/error_catalog.h"
#include "storage/arrow_error.h"
#include "storage/canonical_path.h"
#include "storage/endpoint.h"

namespace sluice {

Result<AzurePlace> ParseAzurePlace(std::string_view location) {
  const size_t scheme = location.find("://") + 3, at = location.find('@'), host_end = std::min(location.find('/', scheme), location.size());
  const bool has_host = at != std::string_view::npos && at > scheme && at < host_end;
  const std::string_view host = has_host ? location.substr(at + 1, host_end - at - 1) : "";
  ASSIGN_OR_RETURN(std::string path, CanonicalPath(location.substr(host_end)));
  if (host.find('.') == std::string_view::npos || host.starts_with('.') || path.empty())
    return Error{ErrorKind::kNeedsOperator, fmt::format("the storage location '{}' names no folder in a container of an account", location), slu::kStorageLocation, "", "",
                 {"spell it abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH"}};
  return AzurePlace{std::string(location.substr(0, host_end)) + "/", std::string(location.substr(scheme, at - scheme)), std::string(host.substr(0, host.find('.'))), path.substr(1)};
}

Result<std::shared_ptr<arrow::fs::FileSystem>> OpenAzure(const AzurePlace& place, const StorageConfig& config) {
  arrow::fs::AzureOptions options;
  options.account_name = place.account;
  if (!config.endpoint.empty()) {
    ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(config.endpoint));
    options.blob_storage_scheme = options.dfs_storage_scheme = endpoint.scheme;
    options.blob_storage_authority = options.dfs_storage_authority = endpoint.authority;
  }
  RETURN_IF_ERROR(FromArrow(config.secret_key.empty() ? options.ConfigureDefaultCredential() : options.ConfigureAccountKeyCredential(config.secret_key), place.prefix));
  auto made = arrow::fs::AzureFileSystem::Make(options);
  if (!made.ok()) return ErrorFromArrow(made.status(), place.prefix);
  return std::shared_ptr<arrow::fs::FileSystem>(std::make_shared<arrow::fs::SubTreeFileSystem>(place.container, std::move(made).ValueUnsafe()));
}

}  // namespace sluice
