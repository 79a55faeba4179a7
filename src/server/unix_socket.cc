#include "server/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

/// A socket address that fits whatever the length of the path: the folder goes in by its descriptor.
struct Address {
  FileDescriptor folder;
  sockaddr_un socket{};
};

Result<Address> AddressOf(const std::string& path) {
  const std::filesystem::path full(path);
  const std::string folder = full.parent_path().empty() ? "." : full.parent_path().string();
  Address address;
  address.folder = FileDescriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string through = fmt::format("/proc/self/fd/{}/{}", address.folder.get(), full.filename().string());
  if (!address.folder.valid() || through.size() >= sizeof(address.socket.sun_path))
    return Error{ErrorKind::kNeedsOperator, fmt::format("control socket {}: folder cannot be opened", path),
                 slu::kControlSocket, std::strerror(errno)};
  address.socket.sun_family = AF_UNIX;
  std::memcpy(address.socket.sun_path, through.c_str(), through.size() + 1);
  return address;
}

const sockaddr* Raw(const Address& address) { return reinterpret_cast<const sockaddr*>(&address.socket); }

Error Failed(const std::string& path, std::string_view what) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("control socket {}: {}", path, what), slu::kControlSocket,
               std::strerror(errno)};
}

FileDescriptor NewSocket() { return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

}  // namespace

Result<FileDescriptor> ListenUnix(const std::string& path) {
  ASSIGN_OR_RETURN(const Address address, AddressOf(path));
  struct stat found;
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return Failed(path, "another file is in the way");
    const FileDescriptor probe = NewSocket();
    if (::connect(probe.get(), Raw(address), sizeof(address.socket)) == 0)
      return Error{ErrorKind::kConflict, fmt::format("another process listens on {}", path), slu::kAlreadyRunning};
    ::unlink(path.c_str());  // Left by a process that died.
  }
  FileDescriptor listener = NewSocket();
  if (!listener.valid()) return Failed(path, "no socket");
  // Before bind, so that there is no moment at which others could connect.
  if (::fchmod(listener.get(), 0600) != 0) return Failed(path, "its mode cannot be set");
  if (::bind(listener.get(), Raw(address), sizeof(address.socket)) != 0) return Failed(path, "cannot be made");
  if (::chmod(path.c_str(), 0600) != 0) return Failed(path, "its mode cannot be set");
  if (::listen(listener.get(), 16) != 0) return Failed(path, "cannot be listened on");
  return listener;
}

Result<FileDescriptor> ConnectUnix(const std::string& path) {
  Result<Address> address = AddressOf(path);
  FileDescriptor socket = NewSocket();
  if (!address.ok() || !socket.valid() ||
      ::connect(socket.get(), Raw(*address), sizeof(address->socket)) != 0)
    return Error{ErrorKind::kUnavailable, fmt::format("no sluice process answers on {}", path), slu::kNoServer};
  return socket;
}

}  // namespace sluice
