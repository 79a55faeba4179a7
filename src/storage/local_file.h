#pragma once
// Files that survive a power cut: the file's bytes and its name in the folder are flushed.

#include <arrow/io/interfaces.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// Makes a folder and those above it, durably.
Status MakeFolders(const std::string& folder);

/// Writes a whole file without flushing it; makes its folders. Removes it again on error.
Status WriteFile(const std::string& path, std::string_view bytes);

Status FlushFile(const std::string& path);

/// Makes the names in the folder of `path` durable.
Status FlushFolder(const std::string& path);

/// Removing what isn't there succeeds.
Status RemoveFile(const std::string& path);

/// A stream into a file whose Close() makes it durable, and which is removed if Close() is never
/// reached.
Result<std::shared_ptr<arrow::io::OutputStream>> OpenDurableFile(const std::string& path);

}  // namespace sluice
