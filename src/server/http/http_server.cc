#include "server/http/http_server.h"

#include <fmt/format.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <thread>

#include "observability/error_catalog.h"
#include "observability/log.h"
#include "server/http/tls_context.h"

namespace sluice {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using std::chrono::milliseconds;
using ErrorCode = boost::system::error_code;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kSlowestBytesPerMs = 64;  // A large response has more time than a small one.
constexpr milliseconds kGoodbye{1000};

auto Into(ErrorCode& failed) { return asio::redirect_error(asio::use_awaitable, failed); }

HttpResponse Refusal(int status, std::string_view message) {
  return JsonResponse(status, fmt::format(R"({{"error":{{"message":"{}","type":"{}","code":{}}}}})", message, status < 500 ? "BadRequestException" : "ServiceUnavailableException", status));
}

/// What to say to a request that could not be read; nullopt: nothing, the client is gone or too slow.
std::optional<HttpResponse> RefusalOf(const ErrorCode& failed) {
  if (failed == http::error::body_limit) return Refusal(413, "the body is too large");
  if (failed == http::error::header_limit || failed == http::error::buffer_overflow) return Refusal(431, "the header is too large");
  if (failed == http::error::end_of_stream || failed == http::error::partial_message) return std::nullopt;
  if (failed.category() == http::make_error_code(http::error::bad_method).category()) return Refusal(400, "this is no HTTP/1.1");
  return std::nullopt;
}

HttpRequest ToRequest(http::request<http::string_body>&& message) {
  HttpRequest request{.method = std::string(message.method_string()), .target = std::string(message.target()), .headers = {}, .body = std::move(message.body())};
  for (const auto& field : message) request.headers.Add(std::string(field.name_string()), std::string(field.value()));
  return request;
}

template <class Body>
http::response<Body> HeaderOf(const HttpResponse& response, bool keep_alive) {
  http::response<Body> message(http::int_to_status(static_cast<unsigned>(response.status)), 11);
  for (const auto& [name, value] : response.headers.all()) message.set(name, value);
  message.keep_alive(keep_alive);
  return message;
}

}  // namespace

// Everything but `pool` and the handlers in it belongs to the one thread that runs `io`.
class HttpServer::Loop {
 public:
  Loop(HttpServerOptions options, HttpHandler handler)
      : options_(std::move(options)), handler_(std::move(handler)), io_(1), acceptor_(io_), pool_(options_.limits.handler_threads) {}

  ~Loop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    pool_.stop();
    pool_.join();
  }

  Status Start() {
    if (!options_.certificate_file.empty()) {
      ASSIGN_OR_RETURN(auto tls, MakeTlsContext(options_.certificate_file, options_.key_file));
      tls_.emplace(std::move(tls));
    }
    RETURN_IF_ERROR(Listen());
    asio::co_spawn(io_, AcceptAll(), asio::detached);
    thread_ = std::thread([this] { Run(); });
    return Ok();
  }

  uint16_t port() const { return port_; }

 private:
  Status Listen() {
    const auto failed_to = [this](const ErrorCode& failed) {
      return Error{ErrorKind::kNeedsOperator, fmt::format("cannot listen on {} port {}", options_.address, options_.port), slu::kServeAddress, failed.message()};
    };
    ErrorCode failed;
    const auto address = asio::ip::make_address(options_.address, failed);
    if (failed) return failed_to(failed);
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), failed);
    if (!failed) acceptor_.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed) acceptor_.bind(endpoint, failed);
    if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
    if (failed) return failed_to(failed);
    port_ = acceptor_.local_endpoint(failed).port();
    return failed ? Status(failed_to(failed)) : Ok();
  }

  // Whatever one connection throws, the others go on.
  void Run() {
    for (;;) try {
        io_.run();
        return;
      } catch (const std::exception& e) {
        log::Warn("serve", "serve.failed", fmt::format("a connection failed: {}", e.what()));
      }
  }

  asio::awaitable<void> AcceptAll() {
    asio::steady_timer pause(io_);
    for (;;) {
      ErrorCode failed;
      tcp::socket socket = co_await acceptor_.async_accept(Into(failed));
      if (failed) {  // No descriptor left, most likely.
        pause.expires_after(milliseconds(100));
        co_await pause.async_wait(Into(failed));
        continue;
      }
      if (connections_ >= options_.limits.connections_max) continue;  // Closes it.
      socket.set_option(tcp::no_delay(true), failed);
      asio::co_spawn(io_, Serve(std::move(socket)), asio::detached);
    }
  }

  asio::awaitable<void> Serve(tcp::socket socket) {
    const Counted counted(connections_);
    if (!tls_) {
      beast::tcp_stream stream(std::move(socket));
      co_await Converse(stream);
      co_return;
    }
    TlsStream stream(std::move(socket), *tls_);
    beast::get_lowest_layer(stream).expires_after(options_.limits.request_max);
    ErrorCode failed;
    co_await stream.async_handshake(asio::ssl::stream_base::server, Into(failed));
    if (failed) co_return;
    co_await Converse(stream);
    beast::get_lowest_layer(stream).expires_after(kGoodbye);
    co_await stream.async_shutdown(Into(failed));
  }

  // One request after the other, until one side ends it.
  template <class Stream>
  asio::awaitable<void> Converse(Stream& stream) {
    beast::flat_buffer buffer(kReadBytes);
    for (bool keep_alive = true; keep_alive;) {
      ErrorCode failed;
      if (buffer.size() == 0) {
        beast::get_lowest_layer(stream).expires_after(options_.limits.idle_max);
        const size_t read = co_await stream.async_read_some(buffer.prepare(4096), Into(failed));
        if (failed) co_return;
        buffer.commit(read);
      }
      http::request_parser<http::string_body> parser;
      parser.header_limit(options_.limits.header_bytes_max);
      parser.body_limit(options_.limits.body_bytes_max);
      beast::get_lowest_layer(stream).expires_after(options_.limits.request_max);
      co_await http::async_read(stream, buffer, parser, Into(failed));
      if (failed) {
        const auto refusal = RefusalOf(failed);
        if (refusal) co_await Refuse(stream, *refusal);
        co_return;
      }
      keep_alive = parser.get().keep_alive();
      const bool is_head = parser.get().method() == http::verb::head;
      beast::get_lowest_layer(stream).expires_never();
      const HttpResponse response = co_await Answer(ToRequest(parser.release()));
      const bool sent = co_await Send(stream, response, is_head, keep_alive);
      if (!sent) co_return;
    }
    beast::get_lowest_layer(stream).socket().shutdown(tcp::socket::shutdown_send, ignored_);
  }

  asio::awaitable<HttpResponse> Answer(HttpRequest request) {
    if (answering_ >= options_.limits.handlers_waiting_max + options_.limits.handler_threads) {
      HttpResponse busy = Refusal(503, "too many requests at once; try again");
      busy.headers.Add("Retry-After", "1");
      co_return busy;
    }
    const Counted counted(answering_);
    HttpResponse response = co_await asio::co_spawn(pool_, Handle(std::move(request)), asio::use_awaitable);
    co_return response;
  }

  // On a thread of the pool.
  asio::awaitable<HttpResponse> Handle(HttpRequest request) {
    try {
      co_return handler_(request);
    } catch (const std::exception& e) {
      log::Warn("serve", "serve.failed", fmt::format("a request failed: {}", e.what()));
    }
    co_return Refusal(500, "internal error");
  }

  template <class Stream>
  asio::awaitable<bool> Send(Stream& stream, const HttpResponse& response, bool is_head, bool keep_alive) {
    ErrorCode failed;
    beast::get_lowest_layer(stream).expires_after(options_.limits.request_max + milliseconds(response.body.size() / kSlowestBytesPerMs));
    const bool without_length = response.status == 204 || response.status == 304;
    if (is_head || without_length) {
      auto message = HeaderOf<http::empty_body>(response, keep_alive);
      if (!without_length) message.content_length(response.body.size());
      co_await http::async_write(stream, message, Into(failed));
    } else {
      auto message = HeaderOf<http::span_body<const char>>(response, keep_alive);
      message.body() = beast::span<const char>(response.body.data(), response.body.size());
      message.content_length(response.body.size());
      co_await http::async_write(stream, message, Into(failed));
    }
    co_return !failed;
  }

  // What the client still sends is read for a moment: else the reply would be lost with the connection.
  template <class Stream>
  asio::awaitable<void> Refuse(Stream& stream, const HttpResponse& refusal) {
    const bool sent = co_await Send(stream, refusal, false, false);
    if (!sent) co_return;
    auto& lowest = beast::get_lowest_layer(stream);
    lowest.socket().shutdown(tcp::socket::shutdown_send, ignored_);
    lowest.expires_after(kGoodbye);
    std::string rest(4096, '\0');
    for (ErrorCode failed; !failed;) co_await lowest.async_read_some(asio::buffer(rest), Into(failed));
  }

  struct Counted {
    explicit Counted(size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    size_t& count_;
  };

  const HttpServerOptions options_;
  const HttpHandler handler_;
  std::optional<asio::ssl::context> tls_;
  size_t connections_ = 0;
  size_t answering_ = 0;
  ErrorCode ignored_;
  uint16_t port_ = 0;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  asio::thread_pool pool_;  // Goes first: what waits in it holds connections of `io_`.
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
HttpServer::~HttpServer() = default;
uint16_t HttpServer::port() const { return loop_->port(); }

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(HttpServerOptions options, HttpHandler handler) {
  auto loop = std::make_unique<Loop>(std::move(options), std::move(handler));
  RETURN_IF_ERROR(loop->Start());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(loop)));
}

}  // namespace sluice
