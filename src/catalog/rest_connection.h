#pragma once
// Requests to a server of Iceberg's REST protocol: their paths, proofs and repetitions, and what its answers mean.

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/rest_access.h"
#include "catalog/rest_answers.h"
#include "config/rest_catalog_config.h"
#include "config/storage_config.h"
#include "storage/http_client.h"

namespace sluice {

struct RestLimits {
  HttpClientLimits http;
  int attempts_max = 4;                                   ///< Of one request.
  std::chrono::milliseconds first_pause{200};             ///< Between two of them; doubles.
  std::chrono::milliseconds pause_max{10'000};            ///< Whatever the server asks for.
};

/// An answer that says yes, or no for a reason that callers tell apart.
struct RestAnswer {
  int status = 0;                ///< 2xx, 404 or 409.
  nlohmann::ordered_json json;   ///< Null where the answer has no body.
  std::string words;             ///< Of a refusal, for an error's evidence.

  bool ok() const { return status < 300; }
};

/// Thread-safe. Errors of all requests: kUnavailable (4140), kNeedsOperator (4141, 4142, 4144, 4147), kCorrupt (4143).
class RestConnection {
 public:
  /// Asks the server for its configuration. `clock` must outlive it.
  static Result<std::unique_ptr<RestConnection>> Open(const RestCatalogConfig& config, const StorageConfig& storage, const Clock& clock, RestLimits limits = {});

  /// A request that may be sent twice without harm; it is, while the server is unavailable.
  Result<RestAnswer> Ask(std::string_view method, const std::string& path, const nlohmann::ordered_json* body = nullptr);

  /// A request that is sent again only if it had no effect. Error besides the others: kOutcomeUnknown (4140).
  Result<RestAnswer> Change(const std::string& path, const nlohmann::ordered_json& body);

  /// Waits as long as before the attempt of that number, from 0.
  void PauseBefore(int attempt, std::chrono::seconds asked_for = {}) const;
  int attempts_max() const { return limits_.attempts_max; }

  std::string NamespacePath(std::string_view name_space) const;
  std::string TablePath(std::string_view name_space, std::string_view table) const;
  /// Levels in a path or a query.
  std::string EncodedLevels(std::string_view name_space) const;

  /// Whether several tables can be committed at once, and one at all.
  bool offers_transactions() const { return config_.offers_transactions; }
  bool keeps_branches() const { return config_.keeps_branches; }
  bool offers_commits() const { return config_.offers_transactions || config_.offers_commits; }

 private:
  struct Attempt;

  RestConnection(const RestCatalogConfig& config, const StorageConfig& storage, const Clock& clock, RestLimits limits);

  Status Configure();
  Status TakeUri(const std::string& uri);
  std::string UrlOf(const std::string& path) const;
  static Result<RestAnswer> OfCatalog(Result<RestAnswer> answer);
  Attempt SendOnce(const HttpCall& call);
  Result<RestAnswer> Repeat(std::string_view method, const std::string& url, const std::string& body, bool only_without_effect);

  const RestLimits limits_;
  HttpClient http_;
  RestAccess access_;
  const std::string warehouse_;
  const bool is_of_aws_;
  std::string base_;     // What stands before /v1, without a slash at its end.
  ServerConfig config_;
};

}  // namespace sluice
