#include "server/line_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kWriteWait{10'000};

Error Closed() { return Error{ErrorKind::kUnavailable, "control socket: the other side closed it"}; }

}  // namespace

LineChannel::LineChannel(FileDescriptor socket, size_t line_bytes_max, int wake)
    : socket_(std::move(socket)), line_bytes_max_(line_bytes_max), wake_(wake) {}

Status LineChannel::WaitFor(short events, std::optional<std::chrono::milliseconds> wait_max) const {
  const auto deadline = std::chrono::steady_clock::now() + wait_max.value_or(std::chrono::milliseconds(0));
  for (;;) {
    int wait = -1;
    if (wait_max) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      wait = static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count()));
    }
    pollfd both[2] = {{socket_.get(), events, 0}, {wake_, POLLIN, 0}};  // A negative descriptor is ignored.
    const int ready = ::poll(both, 2, wait);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Closed();
    if (both[1].revents != 0) return Error{ErrorKind::kCancelled, "control socket: stopping"};
    if (ready == 0) return Error{ErrorKind::kUnavailable, "control socket: no answer in time"};
    return Ok();
  }
}

Result<std::string> LineChannel::ReadLine(std::optional<std::chrono::milliseconds> wait_max) {
  size_t searched = 0;
  for (;;) {
    if (const size_t end = read_.find('\n', searched); end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    searched = read_.size();
    if (read_.size() > line_bytes_max_)
      return Error{ErrorKind::kCorrupt, "control socket: a line is too long", slu::kControlProtocol};
    RETURN_IF_ERROR(WaitFor(POLLIN, wait_max));
    char chunk[16384];
    const ssize_t got = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Closed();
    read_.append(chunk, static_cast<size_t>(got));
  }
}

Status LineChannel::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    RETURN_IF_ERROR(WaitFor(POLLOUT, kWriteWait));
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent <= 0) return Closed();
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return Ok();
}

}  // namespace sluice
