#pragma once
// Azure's blob storage, through Arrow and the Azure SDK inside of it.

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/storage_config.h"

namespace arrow::fs {
class FileSystem;
}

namespace sluice {

/// "abfss://container@account.dfs.core.windows.net/path", as Iceberg's readers spell it.
struct AzurePlace {
  std::string prefix;     ///< "abfss://container@account.dfs.core.windows.net/"
  std::string container, account;
  std::string suffix;     ///< "core.windows.net", or another of Azure's clouds.
  std::string path;       ///< Below the container; not empty.
};

/// Error: kNeedsOperator (4001) if it is spelled otherwise.
Result<AzurePlace> ParseAzurePlace(std::string_view location);

/// The container's files, by their paths below it. By the account's key, else by the SDK's own chain: environment, workload identity, the
/// machine's identity, the command-line tools. Nothing is sent yet.
Result<std::shared_ptr<arrow::fs::FileSystem>> OpenAzure(const AzurePlace& place, const StorageConfig& config);

}  // namespace sluice
