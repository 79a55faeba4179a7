#pragma once
// Who may read the catalog: whoever has the one token, or a token that a known client was given for its secret.
//
//   token of a client = "sluice." client "." expiry "." HMAC-SHA256(secret, all before the last dot)
//   expiry: seconds since 1970, decimal; the HMAC in lower-case hexadecimal
//
// So nothing is kept of tokens, they outlive a restart, and a new secret ends all of its client's.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

class TokenAuthority {
 public:
  using Time = std::chrono::sys_seconds;

  static constexpr std::chrono::seconds kLifetime{3600};

  /// `token`: empty: there is none. `clients`: secrets by client. Without either everybody is welcome.
  TokenAuthority(std::string token, std::map<std::string, std::string> clients) : token_(std::move(token)), clients_(std::move(clients)) {}

  bool open_to_all() const { return token_.empty() && clients_.empty(); }

  /// `token`: what stands behind "Bearer ". Takes as long whatever is wrong with it.
  bool Accepts(std::string_view token, Time now) const;

  /// A token for a client; nullopt if the secret is not its own.
  std::optional<std::string> GrantForSecret(std::string_view client, std::string_view secret, Time now) const;
  /// A fresh one for the client of a token that is still good; nullopt of any other.
  std::optional<std::string> GrantForToken(std::string_view token, Time now) const;

 private:
  std::string Sign(std::string_view client, const std::string& secret, Time expiry) const;
  /// Whose it is; nullopt if it is not good.
  std::optional<std::string> ClientOf(std::string_view token, Time now) const;

  const std::string token_;
  const std::map<std::string, std::string> clients_;
};

/// "Bearer abc" is "abc"; empty if it is no such header.
std::string_view BearerOf(std::string_view authorization);

struct ClientSecret {
  std::string client;
  std::string secret;
};

/// "Basic …", decoded; nullopt if it is no such header.
std::optional<ClientSecret> BasicOf(std::string_view authorization);

}  // namespace sluice
