#include "catalog/rest_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "catalog/namespace_levels.h"
#include "config/printable.h"
#include "iceberg/json_object.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWordsMax = 500;
constexpr size_t kErrorBytesMax = 1 << 20;

Error NotOfTheProtocol(std::string message) { return Error{ErrorKind::kCorrupt, std::move(message), slu::kRestAnswer}; }

// {"error": {"message": …, "type": …}}
std::string WordsOf(const HttpReply& reply) {
  std::string words = fmt::format("{}", reply.status);
  if (reply.body.size() > kErrorBytesMax) return words;
  const auto json = iceberg::ParseJson(reply.body, "an error");
  if (!json.ok() || !json->is_object()) return words;
  iceberg::JsonObject answer(*json, "an error");
  const Json& object = answer.Object("error");
  iceberg::JsonObject error(object, "an error");
  for (const char* const part : {"type", "message"})
    if (const std::string text = error.OptionalText(part).value_or(""); !text.empty()) words += (part[0] == 't' ? " " : ": ") + text;
  return Printable(words.substr(0, kWordsMax));
}

// Nothing to be tried again, unlike all others from 500 on.
constexpr int kNotImplemented = 501;

// 408 and 425: the server did not take the request up. 429: it does not want to now.
bool HadNoEffect(int status) { return status == 408 || status == 425 || status == 429; }

bool IsSafeInPath(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '"' && c != '\\'; });
}

// What no path takes as it is, in a prefix that may be encoded already.
std::string EncodePrefix(std::string_view prefix) {
  std::string encoded;
  for (const char c : prefix) encoded += c == '%' || c == '/' ? std::string(1, c) : PercentEncode({&c, 1});
  return encoded;
}

std::string_view OriginOf(std::string_view uri) {
  const size_t scheme = uri.find("://");
  return scheme == std::string_view::npos ? "" : uri.substr(0, uri.find('/', scheme + 3));
}

}  // namespace

/// One time that a request was sent.
struct RestConnection::Attempt {
  std::optional<RestAnswer> answer;
  Error error;                 ///< Where there is no answer.
  bool may_help_to_repeat = false;
  bool may_have_had_effect = true;
  std::chrono::seconds retry_after{0};
};

RestConnection::RestConnection(const RestCatalogConfig& config, const StorageConfig& storage, const Clock& clock, RestLimits limits)
    : limits_(limits), http_(limits.http, config.ca_file), access_(config, storage, http_, clock), warehouse_(config.warehouse), base_(config.uri) {}

Result<std::unique_ptr<RestConnection>> RestConnection::Open(const RestCatalogConfig& config, const StorageConfig& storage, const Clock& clock, RestLimits limits) {
  std::unique_ptr<RestConnection> connection(new RestConnection(config, storage, clock, limits));
  RETURN_IF_ERROR(connection->Configure());
  return connection;
}

Status RestConnection::Configure() {
  const std::string query = warehouse_.empty() ? "" : "?warehouse=" + PercentEncode(warehouse_);
  ASSIGN_OR_RETURN(const RestAnswer answer, Repeat("GET", base_ + "/v1/config" + query, "", /*only_without_effect=*/false));
  if (!answer.ok())
    return Error{ErrorKind::kNeedsOperator, fmt::format("{} is no REST catalog, or has no warehouse '{}'", base_, Printable(warehouse_)), slu::kRestRejected, answer.words};
  return TakeConfig(answer.json);
}

Status RestConnection::TakeConfig(const Json& json) {
  iceberg::JsonObject object(json, "the REST catalog's configuration");
  iceberg::Properties settings = object.Texts("defaults");
  for (const auto& [key, value] : object.Texts("overrides")) settings[key] = value;
  const Json& endpoints = object.Array("endpoints");
  if (!object.status().ok()) return NotOfTheProtocol(object.status().error().message);
  if (const auto prefix = settings.find("prefix"); prefix != settings.end()) prefix_ = EncodePrefix(prefix->second);
  if (const auto separator = settings.find("namespace-separator"); separator != settings.end()) separator_ = separator->second;
  if (!IsSafeInPath(prefix_) || !IsSafeInPath(separator_) || separator_.empty() || separator_.size() > 16) return NotOfTheProtocol("the REST catalog's configuration makes no path");
  // Where a server names none it is one of before this list, which all had it.
  offers_transactions_ = endpoints.empty() || std::any_of(endpoints.begin(), endpoints.end(), [](const Json& endpoint) {
                           return endpoint.is_string() && endpoint.get_ref<const std::string&>().starts_with("POST ") &&
                                  endpoint.get_ref<const std::string&>().ends_with("/transactions/commit");
                         });
  const auto uri = settings.find("uri");
  return uri == settings.end() ? Ok() : TakeUri(uri->second);
}

// Whoever the token is meant for was named by the operator.
Status RestConnection::TakeUri(const std::string& uri) {
  if (OriginOf(uri) != OriginOf(base_))
    return Error{ErrorKind::kNeedsOperator, fmt::format("the REST catalog sends its clients on to {}", Printable(uri.substr(0, kWordsMax))), slu::kRestRejected, "",
                 "Credentials are only sent to the server that the configuration names.", {"Name that server as the catalog's uri, if it is the right one."}};
  if (!IsSafeInPath(uri)) return NotOfTheProtocol("the REST catalog's configuration makes no path");
  base_ = uri;
  while (base_.ends_with('/')) base_.pop_back();
  return Ok();
}

Result<RestAnswer> RestConnection::Ask(std::string_view method, const std::string& path, const Json* body) {
  return Repeat(method, base_ + "/v1/" + (prefix_.empty() ? "" : prefix_ + "/") + path, body == nullptr ? "" : body->dump(-1, ' ', false, Json::error_handler_t::replace), false);
}

Result<RestAnswer> RestConnection::Change(const std::string& path, const Json& body) {
  return Repeat("POST", base_ + "/v1/" + (prefix_.empty() ? "" : prefix_ + "/") + path, body.dump(-1, ' ', false, Json::error_handler_t::replace), true);
}

Result<RestAnswer> RestConnection::Repeat(std::string_view method, const std::string& url, const std::string& body, bool only_without_effect) {
  bool token_renewed = false;
  for (int number = 1;; ++number) {
    HttpCall call{std::string(method), url, {{"Accept", "application/json"}}, body, only_without_effect};
    if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
    RETURN_IF_ERROR(access_.Authorize(call));
    Attempt attempt = SendOnce(call);
    if (attempt.answer) return *std::move(attempt.answer);
    if (attempt.error.code == slu::kRestCredentials && !token_renewed && access_.ForgetToken(call)) {
      token_renewed = true;
      continue;
    }
    if (only_without_effect && attempt.may_have_had_effect) {
      attempt.error.kind = ErrorKind::kOutcomeUnknown;
      return std::move(attempt.error);
    }
    if (!attempt.may_help_to_repeat || number >= limits_.attempts_max) return std::move(attempt.error);
    PauseBefore(number, attempt.retry_after);
  }
}

RestConnection::Attempt RestConnection::SendOnce(const HttpCall& call) {
  Attempt attempt;
  HttpReply reply;
  HttpFailure failure;
  if (!http_.Send(call, reply, failure)) {
    attempt.error = std::move(failure.error);
    attempt.may_help_to_repeat = attempt.error.kind == ErrorKind::kUnavailable;
    attempt.may_have_had_effect = failure.may_have_arrived;
    return attempt;
  }
  attempt.retry_after = reply.retry_after;
  const int status = reply.status;
  if (status >= 200 && status < 300) {
    attempt.error = NotOfTheProtocol("the REST catalog answers with something else than JSON");
    auto json = reply.body.empty() ? Result<Json>(Json()) : iceberg::ParseJson(reply.body, "an answer");
    if (json.ok()) attempt.answer = RestAnswer{status, *std::move(json), ""};
    return attempt;
  }
  attempt.may_have_had_effect = (status >= 500 && status != kNotImplemented) || status < 200;
  const std::string words = WordsOf(reply);
  if (status == 404 || status == 409) {
    attempt.answer = RestAnswer{status, Json(), words};
  } else if ((status >= 500 && status != kNotImplemented) || HadNoEffect(status)) {
    attempt.error = {ErrorKind::kUnavailable, "the REST catalog cannot answer for now", slu::kRestUnavailable, words};
    attempt.may_help_to_repeat = true;
  } else if (status == 401 || status == 419) {
    attempt.error = {ErrorKind::kNeedsOperator, "the REST catalog does not accept the credentials", slu::kRestCredentials, words};
  } else if (status == 403) {
    attempt.error = {ErrorKind::kNeedsOperator, "the REST catalog forbids what is asked of it", slu::kRestForbidden, words};
  } else if (status >= 300 && status < 400) {
    attempt.error = {ErrorKind::kNeedsOperator, "the REST catalog sends its clients on to another address", slu::kRestRejected, words};
  } else {
    attempt.error = {ErrorKind::kNeedsOperator, "the REST catalog rejects a request", slu::kRestRejected, words};
  }
  return attempt;
}

void RestConnection::PauseBefore(int attempt, std::chrono::seconds asked_for) const {
  if (attempt == 0) return;
  const auto own = limits_.first_pause * (1 << std::min(attempt - 1, 10));
  std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(std::max<std::chrono::milliseconds>(own, asked_for), limits_.pause_max));
}

std::string RestConnection::EncodedLevels(std::string_view name_space) const {
  std::string path;
  for (const std::string& level : LevelsOf(name_space)) path += (path.empty() ? "" : separator_) + PercentEncode(level);
  return path;
}

std::string RestConnection::NamespacePath(std::string_view name_space) const { return "namespaces/" + EncodedLevels(name_space); }

std::string RestConnection::TablePath(std::string_view name_space, std::string_view table) const { return NamespacePath(name_space) + "/tables/" + PercentEncode(table); }

}  // namespace sluice
