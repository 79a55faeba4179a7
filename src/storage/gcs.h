#pragma once
// Google's storage, through Arrow and Google's client inside of it.

#include <memory>
#include <string>

#include "base/result.h"
#include "config/storage_config.h"

namespace arrow::fs {
class FileSystem;
}

namespace sluice {

/// By Google's application default credentials; of another endpoint without any. Nothing is sent yet. `bucket`: for messages.
Result<std::shared_ptr<arrow::fs::FileSystem>> OpenGcs(const std::string& bucket, const StorageConfig& config);

}  // namespace sluice
