#pragma once
// HTTP/1.1 over TCP, with or without TLS. One thread moves the bytes of all connections; handlers, which may block, run on a
// few threads of their own.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "server/http/http_message.h"

namespace sluice {

struct HttpLimits {
  size_t connections_max = 256;              ///< More are closed at once: each may hold header and body.
  uint32_t header_bytes_max = 16 << 10;      ///< Names of 3 × 255 encoded bytes and a token fit four times.
  uint64_t body_bytes_max = 1 << 20;         ///< What readers send are reports of a scan, some KiB.
  std::chrono::milliseconds request_max{30'000};  ///< For one request to come, or one response to go; or for the handshake of TLS.
  std::chrono::milliseconds idle_max{90'000};     ///< Between two requests: readers keep connections for about a minute.
  size_t handler_threads = 4;                ///< They wait for catalog and store.
  size_t handlers_waiting_max = 128;         ///< More requests are told to come again (503).
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  ///< An IP address; an IPv6 one without brackets.
  uint16_t port = 0;                  ///< 0: any that is free.
  std::string certificate_file = {};  ///< PEM, with its chain; empty: without TLS.
  std::string key_file = {};
  HttpLimits limits = {};
};

/// Answers a request; several threads call it.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

class HttpServer {
 public:
  /// Error: kNeedsOperator: the address is taken or not ours (9301), the certificate cannot be used (9302).
  static Result<std::unique_ptr<HttpServer>> Listen(HttpServerOptions options, HttpHandler handler);

  /// Closes all connections and waits for the handlers that run.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;

 private:
  class Loop;

  explicit HttpServer(std::unique_ptr<Loop> loop);

  const std::unique_ptr<Loop> loop_;
};

}  // namespace sluice
