#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// A slash before each segment, without `.`, doubled and trailing slashes: "/a/b", or "". Error: kNeedsOperator on `..`,
/// and on characters that readers of a URI would take apart otherwise.
Result<std::string> CanonicalPath(std::string_view path);

/// The store's spelling of a URI as other writers may spell it: Hadoop's `file:/a`, `s3a://` and `s3n://`; `gcs://`; `abfs://` and `wasb://`, and Azure's host for blobs. All else as it is.
std::string CanonicalUri(std::string_view uri);

}  // namespace sluice
