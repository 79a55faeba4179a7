#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "base/file_descriptor.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using std::chrono::milliseconds;

HttpResponse Echo(const HttpRequest& request) {
  HttpResponse response = JsonResponse(200, request.method + " " + request.target + " " + request.body);
  response.headers.Add("X-Seen", std::string(request.headers.Get("x-name")));
  return response;
}

std::unique_ptr<HttpServer> Listen(HttpLimits limits = {}, HttpHandler handler = Echo) { return HttpServer::Listen({.limits = limits}, std::move(handler)).value(); }

/// A client that says exactly what it is told to.
class Client {
 public:
  explicit Client(const HttpServer& server) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  void Say(const std::string& bytes) { static_cast<void>(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL)); }

  /// What comes until `words` were there, or until the end. Ten seconds without a byte fail the test.
  std::string Hear(const std::string& words = "") {
    std::string heard;
    for (char bytes[4096];;) {
      if (!words.empty() && heard.find(words) != std::string::npos) return heard;
      pollfd ready{socket_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 10'000) != 1) {
        ADD_FAILURE() << "silence after: " << heard;
        return heard;
      }
      const ssize_t size = ::recv(socket_.get(), bytes, sizeof bytes, 0);
      if (size <= 0) return heard;
      heard.append(bytes, static_cast<size_t>(size));
    }
  }

 private:
  const FileDescriptor socket_;
};

/// Handlers that run wait behind it.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void WaitForArrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

TEST(HttpServer, AnswersOneRequestAfterTheOther) {
  const auto server = Listen();
  Client client(*server);
  client.Say("GET /a?b HTTP/1.1\r\nHost: h\r\nX-NAME: v\r\n\r\n");
  const std::string first = client.Hear("GET /a?b ");
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(first, HasSubstr("X-Seen: v\r\n"));
  client.Say("POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbodyGET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string rest = client.Hear();
  EXPECT_THAT(rest, HasSubstr("POST /c body"));
  EXPECT_THAT(rest, EndsWith("GET /d "));
}

TEST(HttpServer, AHeadHasTheLengthAndNoBody) {
  const auto server = Listen();
  Client client(*server);
  client.Say("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string heard = client.Hear();
  EXPECT_THAT(heard, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(heard, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, ARequestThatIsTooLargeIsToldSo) {
  const auto server = Listen({.header_bytes_max = 1000, .body_bytes_max = 10});
  Client header(*server);
  header.Say("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n");
  EXPECT_THAT(header.Hear(), StartsWith("HTTP/1.1 431 "));
  Client body(*server);
  body.Say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n12345678901");
  EXPECT_THAT(body.Hear(), StartsWith("HTTP/1.1 413 "));
  Client chunked(*server);
  chunked.Say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n");
  EXPECT_THAT(chunked.Hear(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServer, WhatIsNoHttpIsToldSo) {
  const auto server = Listen();
  Client client(*server);
  client.Say("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_THAT(client.Hear(), StartsWith("HTTP/1.1 400 "));
}

TEST(HttpServer, WhoIsSlowOrSilentIsLeft) {
  const auto server = Listen({.request_max = milliseconds(50), .idle_max = milliseconds(50)});
  Client silent(*server);
  EXPECT_EQ(silent.Hear(), "");
  Client slow(*server);
  slow.Say("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(slow.Hear(), "");
}

TEST(HttpServer, MoreConnectionsThanAllowedAreClosed) {
  const auto server = Listen({.connections_max = 1});
  Client first(*server);
  first.Say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  first.Hear("GET /1");
  Client second(*server);
  EXPECT_EQ(second.Hear(), "");
  first.Say("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(first.Hear("GET /2"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, HandlersThatBlockHoldUpNobodyElsesRefusal) {
  Gate gate;
  const auto server = Listen({.handler_threads = 1, .handlers_waiting_max = 0}, [&](const HttpRequest& request) {
    gate.Pass();
    return Echo(request);
  });
  Client first(*server);
  first.Say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  gate.WaitForArrivals(1);
  Client second(*server);
  second.Say("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string heard = second.Hear("again");
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(heard, HasSubstr("Retry-After: 1\r\n"));
  gate.Open();
  EXPECT_THAT(first.Hear("GET /1"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, AHandlerThatThrowsIsAnInternalErrorOfOneRequest) {
  const auto server = Listen({}, [](const HttpRequest& request) -> HttpResponse {
    if (request.target == "/bad") throw std::runtime_error("bad");
    return Echo(request);
  });
  Client client(*server);
  client.Say("GET /bad HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.Hear("internal error"), StartsWith("HTTP/1.1 500 "));
  client.Say("GET /good HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.Hear("GET /good"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, StopsWithConnectionsOpenAndHandlersAtWorkAndWaiting) {
  Gate gate;
  auto server = Listen({.handler_threads = 1}, [&](const HttpRequest& request) {
    gate.Pass();
    return Echo(request);
  });
  Client idle(*server), working(*server), waiting(*server);
  working.Say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  gate.WaitForArrivals(1);
  waiting.Say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  std::thread opening([&] { gate.Open(); });
  server.reset();
  opening.join();
  EXPECT_THAT(idle.Hear(), "");
}

TEST(HttpServer, AnAddressThatIsTakenIsAClearError) {
  const auto server = Listen();
  const auto second = HttpServer::Listen({.port = server->port()}, Echo);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, slu::kServeAddress);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(server->port())));
  EXPECT_EQ(HttpServer::Listen({.address = "192.0.2.1"}, Echo).error().code, slu::kServeAddress);
}

TEST(HttpServer, ACertificateThatIsMissingIsAClearError) {
  const auto server = HttpServer::Listen({.certificate_file = "/missing.crt", .key_file = "/missing.key"}, Echo);
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.error().code, slu::kServeCertificate);
  EXPECT_THAT(server.error().message, HasSubstr("/missing.crt"));
}

}  // namespace
}  // namespace sluice
