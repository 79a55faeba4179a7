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

// Nothing to be tried again, unlike all others from 500 on.
constexpr int kNotImplemented = 501;

// 408 and 425: the server did not take the request up. 429: it does not want to now.
bool HadNoEffect(int status) { return status == 408 || status == 425 || status == 429; }

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
    : limits_(limits), http_(limits.http, config.ca_file), access_(config, storage, http_, clock), warehouse_(config.warehouse),
      is_of_aws_(!config.signing_service.empty()), base_(config.uri) {}

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
  ASSIGN_OR_RETURN(config_, ServerConfigFrom(answer.json));
  // Glue and S3 Tables don't, whether they list what they offer or not.
  if (is_of_aws_ && !config_.lists_endpoints) config_.offers_transactions = false;
  return config_.uri ? TakeUri(*config_.uri) : Ok();
}

// Whoever the credentials are meant for was named by the operator.
Status RestConnection::TakeUri(const std::string& uri) {
  if (OriginOf(uri) != OriginOf(base_))
    return Error{ErrorKind::kNeedsOperator, fmt::format("the REST catalog sends its clients on to {}", Printable(uri)), slu::kRestRejected, "",
                 "Credentials are only sent to the server that the configuration names.", {"Name that server as the catalog's uri, if it is the right one."}};
  base_ = uri;
  while (base_.ends_with('/')) base_.pop_back();
  return Ok();
}

std::string RestConnection::UrlOf(const std::string& path) const { return base_ + "/v1/" + (config_.prefix.empty() ? "" : config_.prefix + "/") + path; }

// A catalog says in its own words what is not there; a proxy that has lost it does not.
Result<RestAnswer> RestConnection::OfCatalog(Result<RestAnswer> answer) {
  if (!answer.ok() || answer->status != 404 || answer->words != "404") return answer;
  return Error{ErrorKind::kUnavailable, "something else answers in place of the REST catalog", slu::kRestUnavailable, answer->words};
}

Result<RestAnswer> RestConnection::Ask(std::string_view method, const std::string& path, const Json* body) {
  return OfCatalog(Repeat(method, UrlOf(path), body == nullptr ? "" : body->dump(-1, ' ', false, Json::error_handler_t::replace), false));
}

Result<RestAnswer> RestConnection::Change(const std::string& path, const Json& body) {
  return OfCatalog(Repeat("POST", UrlOf(path), body.dump(-1, ' ', false, Json::error_handler_t::replace), true));
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
    attempt.error = ErrorOf(failure);
    attempt.may_help_to_repeat = attempt.error.kind == ErrorKind::kUnavailable;
    attempt.may_have_had_effect = failure.may_have_arrived;
    return attempt;
  }
  attempt.retry_after = reply.retry_after;
  const int status = reply.status;
  if (status >= 200 && status < 300) {
    attempt.error = {ErrorKind::kCorrupt, "the REST catalog answers with something else than JSON", slu::kRestAnswer};
    auto json = reply.body.empty() ? Result<Json>(Json()) : iceberg::ParseJson(reply.body, "an answer");
    if (json.ok()) attempt.answer = RestAnswer{status, *std::move(json), ""};
    return attempt;
  }
  attempt.may_have_had_effect = (status >= 500 && status != kNotImplemented) || status < 200;
  const std::string words = WordsOf(status, reply.body);
  if (status == 404 || (status == 409 && call.method != "GET")) {
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
  for (const std::string& level : LevelsOf(name_space)) path += (path.empty() ? "" : config_.namespace_separator) + PercentEncode(level);
  return path;
}

std::string RestConnection::NamespacePath(std::string_view name_space) const { return "namespaces/" + EncodedLevels(name_space); }

std::string RestConnection::TablePath(std::string_view name_space, std::string_view table) const { return NamespacePath(name_space) + "/tables/" + PercentEncode(table); }

}  // namespace sluice
