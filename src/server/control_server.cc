#include "server/control_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "observability/error_catalog.h"
#include "server/line_channel.h"
#include "server/unix_socket.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kRequestWait{10'000};  // A client that says nothing must not hold a place.

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::Listen(const std::string& path, Handler handler) {
  ASSIGN_OR_RETURN(FileDescriptor listener, ListenUnix(path));
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC));
  if (!wake.valid())
    return Error{ErrorKind::kNeedsOperator, "control socket: no descriptor left", slu::kControlSocket};
  std::unique_ptr<ControlServer> server(
      new ControlServer(path, std::move(handler), std::move(listener), std::move(wake)));
  server->accepting_ = std::thread([raw = server.get()] { raw->AcceptAll(); });
  return server;
}

ControlServer::ControlServer(std::string path, Handler handler, FileDescriptor listener, FileDescriptor wake)
    : path_(std::move(path)), handler_(std::move(handler)), listener_(std::move(listener)), wake_(std::move(wake)) {}

ControlServer::~ControlServer() {
  stop_.request_stop();
  const uint64_t one = 1;
  // An eventfd that nobody reads stays readable, so it wakes every thread.
  while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  if (accepting_.joinable()) accepting_.join();
  for (Client& client : clients_) client.thread.join();
  ::unlink(path_.c_str());
}

void ControlServer::AcceptAll() {
  while (!stop_.stop_requested()) {
    pollfd both[2] = {{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(both, 2, -1) < 0 && errno != EINTR) return;
    if (both[1].revents != 0) return;
    FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    Reap();
    if (socket.valid()) Admit(std::move(socket));
  }
}

void ControlServer::Reap() {
  for (auto client = clients_.begin(); client != clients_.end();) {
    bool done;
    {
      const std::lock_guard lock(mutex_);
      done = client->done;
    }
    if (done) client->thread.join();
    client = done ? clients_.erase(client) : std::next(client);
  }
}

void ControlServer::Admit(FileDescriptor socket) {
  if (clients_.size() >= kControlClientsMax) {
    LineChannel refused(std::move(socket), kRequestBytesMax, wake_.get());
    static_cast<void>(refused.Write(ToLine(
        ErrorToReply(Error{ErrorKind::kUnavailable, "too many commands are being answered at once; try again"}))));
    return;
  }
  Client& client = clients_.emplace_back();
  client.thread = std::thread([this, &client, owned = std::make_shared<FileDescriptor>(std::move(socket))] {
    Serve(std::move(*owned));
    const std::lock_guard lock(mutex_);
    client.done = true;
  });
}

void ControlServer::Serve(FileDescriptor socket) {
  LineChannel channel(std::move(socket), kRequestBytesMax, wake_.get());
  const Result<std::string> line = channel.ReadLine(kRequestWait);
  if (!line.ok() && line.error().kind != ErrorKind::kCorrupt) return;
  const Result<ControlRequest> request =
      line.ok() ? ParseRequest(*line) : Result<ControlRequest>(line.error());
  Result<nlohmann::ordered_json> reply =
      request.ok() ? handler_(*request,
                              [&channel](const nlohmann::ordered_json& progress) {
                                return channel.Write(ToLine({{"progress", progress}}));
                              },
                              stop_.get_token())
                   : Result<nlohmann::ordered_json>(request.error());
  static_cast<void>(channel.Write(ToLine(reply.ok() ? nlohmann::ordered_json{{"result", *reply}}
                                                    : ErrorToReply(reply.error()))));
}

}  // namespace sluice
