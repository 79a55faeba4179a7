#pragma once

#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace sluice {

/// Held as long as the object lives; the system frees it with the process.
class StateLock {
 public:
  /// Makes the folder (mode 0700) if it is not there. Error: kConflict (8201) naming the process that holds it,
  /// kNeedsOperator (9102).
  static Result<StateLock> Acquire(const std::string& folder);

 private:
  explicit StateLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

}  // namespace sluice
