#include "server/state_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

Error Unusable(const std::string& path) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("{} cannot be opened", path), slu::kFileSystem,
               std::strerror(errno)};
}

}  // namespace

Result<StateLock> StateLock::Acquire(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return Unusable(folder);
  const std::string path = (std::filesystem::path(folder) / "lock").string();
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return Unusable(path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    char pid[16] = {};
    const ssize_t got = ::pread(file.get(), pid, sizeof pid - 1, 0);
    const bool number = got > 0 && std::strspn(pid, "0123456789") == static_cast<size_t>(got);
    return Error{ErrorKind::kConflict,
                 fmt::format("another sluice{} runs with {}", number ? fmt::format(" (pid {})", pid) : "", folder),
                 slu::kAlreadyRunning};
  }
  const std::string pid = std::to_string(::getpid());
  // Only a courtesy to whoever finds the lock taken.
  if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), pid.data(), pid.size(), 0) < 0) errno = 0;
  return StateLock(std::move(file));
}

}  // namespace sluice
