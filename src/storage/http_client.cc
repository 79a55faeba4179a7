#include "storage/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string_view>

#include "base/free_with.h"

namespace sluice {
namespace {

using CurlHandle = std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>>;
using CurlHeaders = std::unique_ptr<curl_slist, FreeWith<curl_slist_free_all>>;

constexpr size_t kIdleMax = 4;
constexpr std::chrono::seconds kRetryAfterMax{3600};

void InitializeOnce() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  static_cast<void>(done);
}

struct Receiver {
  HttpReply& reply;
  size_t bytes_max;
  bool too_large = false;
};

size_t TakeBody(char* data, size_t size, size_t count, void* to) {
  auto& receiver = *static_cast<Receiver*>(to);
  const size_t bytes = size * count;
  receiver.too_large = bytes > receiver.bytes_max - receiver.reply.body.size();
  if (receiver.too_large) return 0;
  receiver.reply.body.append(data, bytes);
  return bytes;
}

/// Only seconds are taken; a date is not worth a parser.
size_t TakeHeader(char* data, size_t size, size_t count, void* to) {
  const std::string_view line(data, size * count);
  constexpr std::string_view kName = "retry-after:";
  if (line.size() > kName.size() && curl_strnequal(line.data(), kName.data(), kName.size()) != 0) {
    const std::string_view value = line.substr(std::min(line.find_first_not_of(' ', kName.size()), line.size()));
    int seconds = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (parsed.ec == std::errc() && seconds > 0) static_cast<Receiver*>(to)->reply.retry_after = std::min(std::chrono::seconds(seconds), kRetryAfterMax);
  }
  return size * count;
}

bool IsOfCertificates(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR;
}

}  // namespace

class HttpClient::Connection {
 public:
  Connection(const HttpClientLimits& limits, const std::string& ca_file) : limits_(limits), ca_file_(ca_file), curl_(curl_easy_init()) {}

  bool Send(const HttpCall& call, HttpReply& reply, HttpFailure& failure) {
    CURL* const curl = curl_.get();
    if (curl == nullptr) return Fail({Cause::kNoAnswer, "no memory for a connection", false}, failure);
    Receiver receiver{reply, limits_.reply_bytes_max};
    std::array<char, CURL_ERROR_SIZE> words{};
    CurlHeaders headers;
    for (const auto& [name, value] : call.headers) AddHeader(headers, name + ": " + value);
    AddHeader(headers, "Expect:");  // No round trip before the body.
    curl_easy_reset(curl);
    Configure();
    curl_easy_setopt(curl, CURLOPT_URL, call.url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    if (!call.body.empty() || call.method == "POST") {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.body.data());
    }
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, call.fresh_connection ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, TakeBody);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, TakeHeader);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
    long status = 0, sent_bytes = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent_bytes);
    reply.status = static_cast<int>(status);
    if (code == CURLE_OK) return true;
    const bool may_have_arrived = sent_bytes > 0;
    if (receiver.too_large)
      return Fail({Cause::kTooLarge, fmt::format("more than {} MiB", limits_.reply_bytes_max >> 20), may_have_arrived}, failure);
    const std::string evidence = words[0] != '\0' ? words.data() : curl_easy_strerror(code);
    if (IsOfCertificates(code)) return Fail({Cause::kCertificate, evidence, false}, failure);
    return Fail({Cause::kNoAnswer, evidence, may_have_arrived}, failure);
  }

 private:
  using Cause = HttpFailure::Cause;

  static bool Fail(HttpFailure what, HttpFailure& failure) {
    failure = std::move(what);
    return false;
  }

  static void AddHeader(CurlHeaders& headers, const std::string& line) {
    // A null list is made by the first one; without memory the list stays as it was.
    if (curl_slist* const longer = curl_slist_append(headers.get(), line.c_str())) {
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
  }

  void Configure() {
    CURL* const curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // It may be signed.
    curl_easy_setopt(curl, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!ca_file_.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
      curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    }
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect_max.count()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits_.call_max.count()));
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // No alarm() for names that resolve slowly: there are threads.
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "sluice");
  }

  const HttpClientLimits& limits_;
  const std::string& ca_file_;
  const CurlHandle curl_;
};

HttpClient::HttpClient(HttpClientLimits limits, std::string ca_file) : limits_(limits), ca_file_(std::move(ca_file)) { InitializeOnce(); }

HttpClient::~HttpClient() = default;

bool HttpClient::Send(const HttpCall& call, HttpReply& reply, HttpFailure& failure) {
  std::unique_ptr<Connection> connection = Borrow();
  const bool replied = connection->Send(call, reply, failure);
  Return(std::move(connection));
  return replied;
}

std::unique_ptr<HttpClient::Connection> HttpClient::Borrow() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Connection>(limits_, ca_file_);
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void HttpClient::Return(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(connection));
}

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) encoded += c;
    else fmt::format_to(std::back_inserter(encoded), "%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace sluice
