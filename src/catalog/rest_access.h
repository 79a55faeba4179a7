#pragma once
// As whom a REST catalog is asked: nobody, a bearer token, an OAuth2 client, or AWS credentials.

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "config/rest_catalog_config.h"
#include "storage/aws_keys.h"
#include "storage/http_client.h"

namespace sluice {

/// What it means to whoever asks a REST catalog. kUnavailable (4140), kNeedsOperator (4147: its certificate is not trusted), kCorrupt (4143: too large).
Error ErrorOf(const HttpFailure& failure);

/// Thread-safe.
class RestAccess {
 public:
  /// `http` must outlive it, and so must `clock`.
  RestAccess(const RestCatalogConfig& config, const StorageConfig& storage, HttpClient& http, const Clock& clock);

  /// Adds what proves who sends the call. Asks for a token first where there is none, or the one there is soon expires.
  /// Errors: kNeedsOperator (4141: the client is refused; 4006: no keys), kUnavailable (4140), kCorrupt (4143).
  Status Authorize(HttpCall& call);

  /// Whether the call that was refused with its token may be sent again with another one.
  bool ForgetToken(const HttpCall& refused);

 private:
  struct Token {
    std::string text;
    std::optional<Timestamp> renew_at;  // Unset: nobody said when it expires.
  };

  Result<Token> AskForToken();

  const RestCatalogConfig config_;
  HttpClient& http_;
  const Clock& clock_;
  std::optional<AwsKeyChain> keys_;

  std::mutex mutex_;  // Guards the token; held while one is asked for, so that it is asked for once.
  std::optional<Token> token_;
};

}  // namespace sluice
