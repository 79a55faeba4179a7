#pragma once
// Answers status, tables and verify over a Unix socket, one thread per client, several at once.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <thread>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "server/control_protocol.h"

namespace sluice {

inline constexpr size_t kControlClientsMax = 16;

class ControlServer {
 public:
  /// Sends a progress line. Error: the client is gone, so go no further.
  using Progress = std::function<Status(const nlohmann::ordered_json&)>;
  /// Answers one request; several threads call it.
  using Handler = std::function<Result<nlohmann::ordered_json>(const ControlRequest&, const Progress&, std::stop_token)>;

  /// Error: kNeedsOperator (8202), kConflict (8201).
  static Result<std::unique_ptr<ControlServer>> Listen(const std::string& path, Handler handler);

  /// Ends all clients, waits for their handlers, removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Client {
    std::thread thread;
    bool done = false;
  };

  ControlServer(std::string path, Handler handler, FileDescriptor listener, FileDescriptor wake);
  void AcceptAll();
  void Admit(FileDescriptor socket);
  void Serve(FileDescriptor socket);
  void Reap();

  const std::string path_;
  const Handler handler_;
  const FileDescriptor listener_;
  const FileDescriptor wake_;  // Readable from the moment the server shall end.
  std::stop_source stop_;

  std::mutex mutex_;  // Guards `done` of the clients below.
  std::list<Client> clients_;  // The list itself belongs to the accepting thread.

  std::thread accepting_;
};

}  // namespace sluice
