#include "catalog/rest_access.h"

#include <fmt/format.h>

#include "catalog/rest_answers.h"
#include "observability/error_catalog.h"
#include "storage/aws_signature.h"

namespace sluice {
namespace {

std::string BearerOf(const HttpCall& call) {
  for (const auto& [name, value] : call.headers)
    if (name == "Authorization") return value;
  return "";
}

}  // namespace

Error ErrorOf(const HttpFailure& failure) {
  switch (failure.cause) {
    case HttpFailure::Cause::kTooLarge:
      return {ErrorKind::kCorrupt, fmt::format("the REST catalog's answer has {}", failure.evidence), slu::kRestAnswer};
    case HttpFailure::Cause::kCertificate:
      return {ErrorKind::kNeedsOperator, "the REST catalog's certificate is not trusted", slu::kRestCertificate, failure.evidence};
    case HttpFailure::Cause::kNoAnswer:
      break;
  }
  return {ErrorKind::kUnavailable, "the REST catalog does not answer", slu::kRestUnavailable, failure.evidence};
}

RestAccess::RestAccess(const RestCatalogConfig& config, const StorageConfig& storage, HttpClient& http, const Clock& clock) : config_(config), http_(http), clock_(clock) {
  if (!config.signing_service.empty()) keys_.emplace(storage);
}

Status RestAccess::Authorize(HttpCall& call) {
  if (keys_) {
    ASSIGN_OR_RETURN(const AwsKeys keys, keys_->Current());
    for (auto& header : SignForAws(call, keys, {config_.signing_service, config_.signing_region}, std::chrono::floor<std::chrono::seconds>(clock_.Now())))
      call.headers.push_back(std::move(header));
    return Ok();
  }
  if (!config_.token.empty()) {
    call.headers.emplace_back("Authorization", "Bearer " + config_.token);
    return Ok();
  }
  if (config_.client_id.empty()) return Ok();
  const std::lock_guard lock(mutex_);
  if (!token_ || (token_->renew_at && clock_.Now() >= *token_->renew_at)) {
    token_.reset();
    ASSIGN_OR_RETURN(token_, AskForToken());
  }
  call.headers.emplace_back("Authorization", "Bearer " + token_->text);
  return Ok();
}

bool RestAccess::ForgetToken(const HttpCall& refused) {
  if (keys_ || !config_.token.empty() || config_.client_id.empty()) return false;
  const std::lock_guard lock(mutex_);
  // Another thread may have asked for a fresh one meanwhile.
  if (token_ && "Bearer " + token_->text == BearerOf(refused)) token_.reset();
  return true;
}

Result<RestAccess::Token> RestAccess::AskForToken() {
  HttpCall call{"POST", config_.token_uri.empty() ? config_.uri + "/v1/oauth/tokens" : config_.token_uri};
  call.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  call.body = fmt::format("grant_type=client_credentials&client_id={}&client_secret={}", PercentEncode(config_.client_id), PercentEncode(config_.client_secret));
  if (!config_.scope.empty()) call.body += "&scope=" + PercentEncode(config_.scope);
  HttpReply reply;
  HttpFailure failure;
  if (!http_.Send(call, reply, failure)) return ErrorOf(failure);
  if (reply.status >= 400 && reply.status < 500 && reply.status != 429)
    return Error{ErrorKind::kNeedsOperator, fmt::format("the client '{}' gets no token for the REST catalog", config_.client_id), slu::kRestCredentials, WordsOf(0, reply.body)};
  if (reply.status != 200) return Error{ErrorKind::kUnavailable, fmt::format("there is no token for the REST catalog: the server answers with {}", reply.status), slu::kRestUnavailable};
  ASSIGN_OR_RETURN(TokenAnswer answer, TokenFrom(reply.body));
  Token token{std::move(answer.token), std::nullopt};
  // A tenth of its life early: the call that it is used for takes time, and clocks differ.
  if (answer.seconds) token.renew_at = clock_.Now() + std::chrono::seconds(*answer.seconds) * 9 / 10;
  return token;
}

}  // namespace sluice
