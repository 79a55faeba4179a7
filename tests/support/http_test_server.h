#pragma once
// A server that answers what a test tells it, or hangs up instead. On the loopback address; one connection after another.

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace sluice::testing {

struct TestRequest {
  std::string method;
  std::string target;
  std::string head;  ///< The header fields as they came.
  std::string body;
};

struct TestReply {
  int status = 200;
  std::string body = {};
  std::string head = {};  ///< Further fields, each with its \r\n.
};

class HttpTestServer {
 public:
  /// nullopt: the connection ends without an answer. Called by the server's thread alone.
  using Handler = std::function<std::optional<TestReply>(const TestRequest&)>;

  explicit HttpTestServer(Handler handler);
  ~HttpTestServer();
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void Serve();
  void Answer(int connection);

  const Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace sluice::testing
