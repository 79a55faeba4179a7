#pragma once
// Files without a name that hold what the key indexes may not hold in memory; the operating system removes them with the
// process. They hold keys as the lake's own files do, and are never read by another process.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/result.h"

namespace sluice {

/// Pages of a file, for reading at random places.
class FileMapping {
 public:
  FileMapping() = default;
  FileMapping(const std::byte* begin, size_t size) : begin_(begin), size_(size) {}
  FileMapping(FileMapping&& other) noexcept : begin_(std::exchange(other.begin_, nullptr)), size_(other.size_) {}
  FileMapping& operator=(FileMapping&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~FileMapping();

  const std::byte* begin() const { return begin_; }
  size_t size() const { return size_; }
  /// All of it is about to be read in order, or not any more.
  void ExpectSequential(bool sequential) const;

 private:
  const std::byte* begin_ = nullptr;
  size_t size_ = 0;
};

class IndexFile {
 public:
  /// `folder`: made when it is missing; empty: in memory. Error: kUnavailable, kNeedsOperator (4121).
  static Result<IndexFile> Create(const std::string& folder);

  /// Error: kUnavailable (4121), e.g. a full disk.
  Status WriteAt(uint64_t offset, Bytes bytes);
  Status ReadAt(uint64_t offset, std::span<std::byte> into) const;
  /// The file must have been written from 0 to `size`, without holes: pages that the disk has no room for would end the
  /// process. The mapping outlives the file.
  Result<FileMapping> Map(size_t size) const;

 private:
  explicit IndexFile(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace sluice
