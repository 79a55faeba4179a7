#pragma once
// A file without a name that takes what memory may not hold; the operating system removes it with its descriptor.
// It is encrypted under a key that only this process's memory holds: rows lie here as the source sent them, before any
// mask, and a disk outlives a process.

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "source/postgres/spill_cipher.h"

namespace sluice {

class SpillFile {
 public:
  /// `folder`: made when it is missing. Error: kUnavailable (2302).
  static Result<SpillFile> Create(const std::string& folder);

  /// Returns where the bytes begin.
  Result<uint64_t> Append(Bytes bytes);
  Status ReadAt(uint64_t offset, std::span<std::byte> into);
  /// Gives the disk back what lies before `offset`, as far as the file system can.
  void ForgetBefore(uint64_t offset);

  uint64_t size_bytes() const { return size_bytes_; }

 private:
  SpillFile(FileDescriptor file, SpillCipher cipher) : file_(std::move(file)), cipher_(std::move(cipher)) {}

  FileDescriptor file_;
  SpillCipher cipher_;
  uint64_t size_bytes_ = 0;
};

}  // namespace sluice
