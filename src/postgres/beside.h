#pragma once
// What a server does for a connection of ours, asked through a second one. Only this can tell a long statement from a
// reply that got lost: TCP is content with a connection that somebody in between keeps open.

#include <libpq-fe.h>

#include <chrono>
#include <string>

namespace sluice {

/// What a server says about one of its sessions.
enum class ServerSide {
  kWorks,        ///< Or it cannot tell.
  kWaitsForUs,   ///< For our next message, or for us to take what it sends.
  kGone,         ///< There is no such session.
  kUnreachable,
};

/// Takes at most the time to connect (connect_timeout, 10 s) and as long again for the answer. Where this session waits
/// for a lock, a session of ours that holds it and that nobody on this side knows any more, since the network lost it, is
/// ended once it has waited for its client for `abandoned_after`.
ServerSide LookAtServerSide(PGconn* connection, const std::string& dsn, std::chrono::milliseconds abandoned_after);

/// The server's numbers of the sessions that this process has open. Thread-safe.
void RememberSession(int pid);
void ForgetSession(int pid);

/// Has the server end the statement of this session, if it can be reached within that time.
void CancelBeside(PGconn* connection, const std::string& dsn);

/// Has the server end this session and what it holds: locks, a slot, a snapshot.
void TerminateBeside(PGconn* connection, const std::string& dsn);

/// How long we have been waiting for a server that says nothing.
class Silence {
 public:
  using Clock = std::chrono::steady_clock;

  /// `interval`: how long nothing may come before the server is looked at; zero: never, as on a Unix socket.
  explicit Silence(std::chrono::milliseconds interval) : interval_(interval) {}

  /// Something came or went, or we begin to wait.
  void Break(Clock::time_point now) {
    begun_ = look_at_ = now;
    look_at_ += interval_;
    bad_looks_ = 0;
  }
  bool watched() const { return interval_.count() > 0; }
  bool half_due(Clock::time_point now) const { return watched() && now - begun_ >= interval_ / 2; }
  bool due(Clock::time_point now) const { return watched() && now >= look_at_; }
  Clock::time_point look_at() const { return look_at_; }

  /// Looks. A reply may be under way, so the connection is given up when two looks in a row find that nothing works
  /// for us; `why` then says what they found.
  bool IsLost(PGconn* connection, const std::string& dsn, std::string& why);

 private:
  std::chrono::milliseconds interval_;
  Clock::time_point begun_{}, look_at_{};
  int bad_looks_ = 0;
};

}  // namespace sluice
