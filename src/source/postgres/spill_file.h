#pragma once
// A file without a name that takes what memory may not hold; the operating system removes it with its descriptor.

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/result.h"

namespace sluice {

class SpillFile {
 public:
  /// `folder`: made when it is missing. Error: kUnavailable (2302).
  static Result<SpillFile> Create(const std::string& folder);

  /// Returns where the bytes begin.
  Result<uint64_t> Append(Bytes bytes);
  Status ReadAt(uint64_t offset, std::span<std::byte> into) const;
  /// Gives the disk back what lies before `offset`, as far as the file system can.
  void ForgetBefore(uint64_t offset);

  uint64_t size_bytes() const { return size_bytes_; }

 private:
  explicit SpillFile(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
  uint64_t size_bytes_ = 0;
};

}  // namespace sluice
