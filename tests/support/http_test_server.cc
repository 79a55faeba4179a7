#include "http_test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace sluice::testing {
namespace {

bool Receive(int connection, std::string& bytes) {
  char chunk[65536];
  const ssize_t size = ::recv(connection, chunk, sizeof chunk, 0);
  if (size <= 0) return false;
  bytes.append(chunk, static_cast<size_t>(size));
  return true;
}

size_t LengthIn(std::string head) {
  std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const size_t at = head.find("content-length:");
  return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 15, nullptr, 10);
}

}  // namespace

HttpTestServer::HttpTestServer(Handler handler) : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool listens = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(listener_, 64) == 0 &&
                       ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (!listens) std::abort();
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

HttpTestServer::~HttpTestServer() {
  ending_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

void HttpTestServer::Serve() {
  while (!ending_) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    Answer(connection);
    ::close(connection);
  }
}

void HttpTestServer::Answer(int connection) {
  std::string bytes;
  size_t end = std::string::npos;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos)
    if (!Receive(connection, bytes)) return;
  TestRequest request;
  const size_t line = bytes.find("\r\n"), method = bytes.find(' '), target = bytes.find(' ', method + 1);
  request.method = bytes.substr(0, method);
  request.target = bytes.substr(method + 1, target - method - 1);
  request.head = bytes.substr(line + 2, end - line);
  request.body = bytes.substr(end + 4);
  while (request.body.size() < LengthIn(request.head))
    if (!Receive(connection, request.body)) return;
  const std::optional<TestReply> reply = handler_(request);
  if (!reply) return;
  const std::string answer = "HTTP/1.1 " + std::to_string(reply->status) + " Said\r\nConnection: close\r\nContent-Length: " + std::to_string(reply->body.size()) + "\r\n" + reply->head +
                             "\r\n" + reply->body;
  for (size_t sent = 0; sent < answer.size();) {
    const ssize_t size = ::send(connection, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return;
    sent += static_cast<size_t>(size);
  }
}

}  // namespace sluice::testing
