#include "cli/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/file_descriptor.h"
#include "config/printable.h"
#include "observability/error_catalog.h"

namespace sluice::cli {
namespace {

Error SystemError(std::string_view what, const std::string& path, int error = errno) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("{} {}", what, Printable(path)), slu::kFileSystem, std::strerror(error)};
}

Status WriteAndSync(int file, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("cannot write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(file) != 0) return SystemError("cannot write", path);
  return Ok();
}

Status MakeFolder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return SystemError("cannot make the folder", folder, failed.value());
  return Ok();
}

}  // namespace

Status WriteFileWhole(const std::string& path, std::string_view content, Existing existing, unsigned mode) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, getpid());
  const FileDescriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (file.get() < 0) return SystemError("cannot write", path);
  // The mode of open() holds only for a new file, and less the umask.
  Status written = fchmod(file.get(), mode) == 0 ? WriteAndSync(file.get(), content, path) : SystemError("cannot write", path);
  if (written.ok()) {
    // link() fails where rename() would replace.
    const bool moved = existing == Existing::kReplace ? rename(temporary.c_str(), path.c_str()) == 0 : link(temporary.c_str(), path.c_str()) == 0;
    if (!moved && errno == EEXIST)
      written = Error{ErrorKind::kNeedsOperator, fmt::format("{} is there already", Printable(path)), slu::kConfigExists};
    else if (!moved) written = SystemError("cannot write", path);
  }
  unlink(temporary.c_str());
  return written;
}

Status WriteSecret(const std::string& folder, const std::string& name, std::string_view secret) {
  RETURN_IF_ERROR(MakeFolder(folder));
  if (chmod(folder.c_str(), 0700) != 0) return SystemError("cannot protect the folder", folder);
  return WriteFileWhole(folder + "/" + name, secret, Existing::kReplace, 0600);
}

Status ProveWritable(const std::string& folder) {
  RETURN_IF_ERROR(MakeFolder(folder));
  const std::string probe = fmt::format("{}/.sluice_probe_{}", folder, getpid());
  RETURN_IF_ERROR(WriteFileWhole(probe, "probe", Existing::kReplace, 0600));
  if (unlink(probe.c_str()) != 0) return SystemError("cannot remove", probe);
  return Ok();
}

}  // namespace sluice::cli
