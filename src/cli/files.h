#pragma once
// Small files that commands write.

#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::cli {

enum class Existing { kRefuse, kReplace };

/// All or nothing: readers see the old file or the whole new one. Error: kNeedsOperator (9102, or 1004 if it exists).
Status WriteFileWhole(const std::string& path, std::string_view content, Existing existing, unsigned mode);

/// `folder`/`name` with mode 0600 in a folder of mode 0700, both made where missing.
Status WriteSecret(const std::string& folder, const std::string& name, std::string_view secret);

/// Makes the folder where missing, writes a file into it, reads it and removes it.
Status ProveWritable(const std::string& folder);

}  // namespace sluice::cli
