#pragma once
// Proves that an idle source is idle and not cut off: a logical message with the source's own time, which comes back
// through the stream behind everything that was visible when it was sent.

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "postgres/connection.h"

namespace sluice {

/// Sends through a normal session of its own, without ever waiting for the reply.
class Heartbeat {
 public:
  using Clock = std::chrono::steady_clock;

  /// `interval`: zero sends none, but still watches the session. `token`: stands before the time.
  Heartbeat(std::string dsn, std::chrono::milliseconds interval, std::string token)
      : dsn_(std::move(dsn)), interval_(interval), token_(std::move(token)) {}
  Heartbeat(const Heartbeat&) = delete;  // The session points back to it.
  Heartbeat& operator=(const Heartbeat&) = delete;

  /// Sends when it is due, and takes replies. A session that breaks is opened again at the next beat.
  /// Error: kUnavailable (2003) once the source ends this session because it shuts down. Its fast shutdown waits for
  /// walsenders until they have caught up and for normal sessions not at all, so this is how we learn to let go.
  Status Run(Clock::time_point now);

  const std::string& token() const { return token_; }
  /// When Run has something to do again.
  Clock::time_point next() const { return next_; }
  /// Becomes readable when Run has something to do; -1: no session.
  int socket() const { return connection_ ? PQsocket(connection_->get()) : -1; }

 private:
  Status Open();
  Status Collect();
  void CollectReplies();

  const std::string dsn_;
  const std::chrono::milliseconds interval_;
  const std::string token_;
  std::optional<PgConnection> connection_;
  Clock::time_point next_{};
  bool waiting_ = false;   ///< A reply is due.
  bool stopping_ = false;  ///< The server ended the session because it shuts down.
  bool refused_ = false;   ///< The role may not send messages: said once.
};

}  // namespace sluice
