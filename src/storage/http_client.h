#pragma once
// HTTP/1.1 to one server, by libcurl: certificates are always verified, redirects never followed, and everything has a limit.

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpCall {
  std::string method;  ///< "GET"
  std::string url;     ///< Encoded.
  HttpFields headers = {};
  std::string body = {};
  bool fresh_connection = false;  ///< A kept connection that turns out to be closed would make libcurl send the call twice.
};

struct HttpReply {
  int status = 0;
  std::chrono::seconds retry_after{0};  ///< What the server asks for; 0: nothing.
  std::string body = {};
};

/// Why a call got no whole reply.
struct HttpFailure {
  enum class Cause { kNoAnswer, kCertificate, kTooLarge };

  Cause cause = Cause::kNoAnswer;
  std::string evidence = {};
  bool may_have_arrived = true;  ///< False: the server has not seen it.
};

struct HttpClientLimits {
  std::chrono::milliseconds connect_max{5'000};  ///< The handshake of TLS included.
  std::chrono::milliseconds call_max{30'000};    ///< One call to its last byte.
  size_t reply_bytes_max = 64 << 20;             ///< After decompression: metadata of 50,000 snapshots.
};

/// Thread-safe: each call takes a connection that is free, or makes one.
class HttpClient {
 public:
  /// `ca_file`: PEM that is trusted in place of the system's; empty: the system's.
  HttpClient(HttpClientLimits limits, std::string ca_file);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// True where a reply of whatever status came.
  bool Send(const HttpCall& call, HttpReply& reply, HttpFailure& failure);

 private:
  class Connection;

  std::unique_ptr<Connection> Borrow();
  void Return(std::unique_ptr<Connection> connection);

  const HttpClientLimits limits_;
  const std::string ca_file_;

  std::mutex mutex_;  // Guards the idle connections.
  std::vector<std::unique_ptr<Connection>> idle_;
};

/// All bytes but letters, digits and -._~ as %XX (RFC 3986).
std::string PercentEncode(std::string_view text);

}  // namespace sluice
