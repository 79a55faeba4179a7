#include "storage/local_file.h"

#include <arrow/status.h>
#include <arrow/util/io_util.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/failpoint.h"
#include "base/file_descriptor.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

/// Error: as FromErrno.
Result<FileDescriptor> OpenForWriting(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  FileDescriptor file(::open(path.c_str(), kFlags, 0644));
  if (!file.valid() && errno == ENOENT) {
    RETURN_IF_ERROR(MakeFolders(FolderOf(path)));
    file = FileDescriptor(::open(path.c_str(), kFlags, 0644));
  }
  if (!file.valid()) return FromErrno(errno, "writing", path);
  return file;
}

/// The error number, or 0.
int WriteBytes(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

class DurableFile final : public arrow::io::OutputStream {
 public:
  DurableFile(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  ~DurableFile() override {
    if (file_.valid()) ::unlink(path_.c_str());
  }

  arrow::Status Write(const void* bytes, int64_t size) override {
    if (!file_.valid()) return arrow::Status::Invalid("write after close");
    const int number =
        WriteBytes(file_.get(), static_cast<const char*>(bytes), static_cast<size_t>(size));
    if (number != 0) return Failed(number, "writing");
    position_ += size;
    return arrow::Status::OK();
  }
  using arrow::io::OutputStream::Write;

  arrow::Status Flush() override { return arrow::Status::OK(); }

  arrow::Status Close() override {
    if (!file_.valid()) return arrow::Status::OK();
    if (::fsync(file_.get()) != 0) return Failed(errno, "flushing");
    const FileDescriptor closing = std::exchange(file_, FileDescriptor());
    if (const Status flushed = FlushFolder(path_); !flushed.ok())
      return arrow::Status::IOError(flushed.error().message);
    return arrow::Status::OK();
  }

  arrow::Result<int64_t> Tell() const override { return position_; }
  bool closed() const override { return !file_.valid(); }

 private:
  arrow::Status Failed(int number, const char* doing) const {
    return arrow::internal::IOErrorFromErrno(number, doing, " ", path_);
  }

  const std::string path_;
  FileDescriptor file_;
  int64_t position_ = 0;
};

}  // namespace

Status MakeFolders(const std::string& folder) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return Ok();
    return FromErrno(ENOTDIR, "making folder", folder);
  }
  if (errno != ENOENT) return FromErrno(errno, "making folder", folder);
  RETURN_IF_ERROR(MakeFolders(FolderOf(folder)));
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    return FromErrno(errno, "making folder", folder);
  return FlushFolder(folder);
}

Status WriteFile(const std::string& path, std::string_view bytes) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenForWriting(path));
  if (const int number = WriteBytes(file.get(), bytes.data(), bytes.size()); number != 0) {
    ::unlink(path.c_str());
    return FromErrno(number, "writing", path);
  }
  return Ok();
}

Status FlushFile(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() || ::fsync(file.get()) != 0) return FromErrno(errno, "flushing", path);
  return Ok();
}

Status FlushFolder(const std::string& path) {
  const std::string folder = FolderOf(path);
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.valid() || ::fsync(file.get()) != 0) return FromErrno(errno, "flushing folder", folder);
  return Ok();
}

Status RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Ok();
  return FromErrno(errno, "removing", path);
}

Result<std::shared_ptr<arrow::io::OutputStream>> OpenDurableFile(const std::string& path) {
  ASSIGN_OR_RETURN(FileDescriptor file, OpenForWriting(path));
  return std::shared_ptr<arrow::io::OutputStream>(
      std::make_shared<DurableFile>(path, std::move(file)));
}

}  // namespace sluice
