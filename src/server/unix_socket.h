#pragma once

#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace sluice {

/// Listens on a Unix socket at `path` that only we may use (mode 0600); replaces one that nobody listens on.
/// Error: kNeedsOperator (8202), kConflict (8201: somebody listens there).
Result<FileDescriptor> ListenUnix(const std::string& path);

/// Error: kUnavailable (9101) if nobody listens.
Result<FileDescriptor> ConnectUnix(const std::string& path);

}  // namespace sluice
