#include "sink/lake/index_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "observability/errors/lake_codes.h"

namespace sluice {
namespace {

Error Failed(std::string_view what, int error_number) {
  const bool passes = error_number != EACCES && error_number != EPERM && error_number != EROFS && error_number != ENOTDIR && error_number != EISDIR;
  return Error{passes ? ErrorKind::kUnavailable : ErrorKind::kNeedsOperator, fmt::format("cannot {} a file of the lake's key index", what),
               slu::kLakeIndexFile, fmt::format("system: {}", std::strerror(error_number))};
}

}  // namespace

FileMapping::~FileMapping() {
  if (begin_ != nullptr) ::munmap(const_cast<std::byte*>(begin_), size_);
}

void FileMapping::ExpectSequential(bool sequential) const {
  if (begin_ != nullptr) ::madvise(const_cast<std::byte*>(begin_), size_, sequential ? MADV_SEQUENTIAL : MADV_RANDOM);
}

Result<IndexFile> IndexFile::Create(const std::string& folder) {
  if (folder.empty()) {
    FileDescriptor memory(::memfd_create("sluice-index", MFD_CLOEXEC));
    if (!memory.valid()) return Failed("make", errno);
    return IndexFile(std::move(memory));
  }
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return Failed("make the folder of", failure.value());
  std::string path = folder + "/index-XXXXXX";
  FileDescriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.valid()) return Failed("make", errno);
  ::unlink(path.c_str());  // Nobody else needs it, and so a crash leaves nothing behind.
  return IndexFile(std::move(file));
}

Status IndexFile::WriteAt(uint64_t offset, Bytes bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::pwrite(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failed("write", count < 0 ? errno : ENOSPC);
    done += static_cast<size_t>(count);
  }
  return Ok();
}

Status IndexFile::ReadAt(uint64_t offset, std::span<std::byte> into) const {
  for (size_t done = 0; done < into.size();) {
    const ssize_t count = ::pread(file_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failed("read", count < 0 ? errno : EIO);
    done += static_cast<size_t>(count);
  }
  return Ok();
}

Result<FileMapping> IndexFile::Map(size_t size) const {
  void* const begin = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file_.get(), 0);
  if (begin == MAP_FAILED) return Failed("map", errno);
  FileMapping mapping(static_cast<const std::byte*>(begin), size);
  mapping.ExpectSequential(false);
  return mapping;
}

}  // namespace sluice
