#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "observability/error_catalog.h"

namespace sluice::iceberg {

/// Bytes or JSON that contradict the format.
inline Error Corrupt(std::string message) {
  return Error{ErrorKind::kCorrupt, std::move(message), slu::kLakeFileCorrupt};
}

/// Well-formed, but of a form that we don't know.
inline Error Unknown(std::string message) {
  return Error{ErrorKind::kNeedsOperator, std::move(message), slu::kLakeFormatUnknown};
}

/// The same error, saying which file it is about.
inline Error InFile(Error error, const std::string& uri) {
  error.message = uri + ": " + error.message;
  return error;
}

}  // namespace sluice::iceberg
