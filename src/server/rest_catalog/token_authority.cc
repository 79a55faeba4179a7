#include "server/rest_catalog/token_authority.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice {
namespace {

constexpr size_t kBasicBytesMax = 1024;

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Digest DigestOf(std::string_view text) {
  Digest digest;
  SHA256(Bytes(text), text.size(), digest.data());
  return digest;
}

// Of digests, so that not even the length shows.
bool Same(std::string_view a, std::string_view b) { return CRYPTO_memcmp(DigestOf(a).data(), DigestOf(b).data(), sizeof(Digest)) == 0; }

std::string_view After(std::string_view authorization, std::string_view scheme) {
  if (authorization.size() <= scheme.size() || ::strncasecmp(authorization.data(), scheme.data(), scheme.size()) != 0) return {};
  authorization.remove_prefix(scheme.size());
  return authorization.substr(std::min(authorization.size(), authorization.find_first_not_of(' ')));
}

}  // namespace

std::string TokenAuthority::Sign(std::string_view client, const std::string& secret, Time expiry) const {
  std::string token = fmt::format("sluice.{}.{}", client, expiry.time_since_epoch().count());
  Digest mac;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Bytes(token), token.size(), mac.data(), nullptr);
  token += '.';
  for (const unsigned char byte : mac) token += fmt::format("{:02x}", byte);
  return token;
}

std::optional<std::string> TokenAuthority::ClientOf(std::string_view token, Time now) const {
  constexpr std::string_view kStart = "sluice.";
  if (!token.starts_with(kStart)) return std::nullopt;
  const std::string_view rest = token.substr(kStart.size());
  const std::string_view client = rest.substr(0, rest.find('.'));
  if (client.size() == rest.size()) return std::nullopt;
  int64_t expiry = 0;
  const auto [end, failed] = std::from_chars(rest.data() + client.size() + 1, rest.data() + rest.size(), expiry);
  const auto known = clients_.find(std::string(client));
  if (failed != std::errc() || end == rest.data() + rest.size() || *end != '.' || known == clients_.end()) return std::nullopt;
  const Time expires{std::chrono::seconds(expiry)};
  if (!Same(token, Sign(client, known->second, expires)) || expires <= now) return std::nullopt;
  return std::string(client);
}

bool TokenAuthority::Accepts(std::string_view token, Time now) const {
  const bool is_the_token = Same(token, token_) && !token_.empty();
  return is_the_token || ClientOf(token, now).has_value();
}

std::optional<std::string> TokenAuthority::GrantForSecret(std::string_view client, std::string_view secret, Time now) const {
  const auto known = clients_.find(std::string(client));
  // Compared in any case, so that time does not tell which clients there are.
  if (!Same(secret, known == clients_.end() ? std::string() : known->second) || known == clients_.end()) return std::nullopt;
  return Sign(client, known->second, now + kLifetime);
}

std::optional<std::string> TokenAuthority::GrantForToken(std::string_view token, Time now) const {
  const auto client = ClientOf(token, now);
  if (!client) return std::nullopt;
  return Sign(*client, clients_.at(*client), now + kLifetime);
}

std::string_view BearerOf(std::string_view authorization) { return After(authorization, "Bearer "); }

std::optional<ClientSecret> BasicOf(std::string_view authorization) {
  const std::string_view encoded = After(authorization, "Basic ");
  if (encoded.empty() || encoded.size() > kBasicBytesMax || encoded.size() % 4 != 0) return std::nullopt;
  std::string decoded(encoded.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()), Bytes(encoded), static_cast<int>(encoded.size()));
  const size_t padding = encoded.ends_with("==") ? 2 : encoded.ends_with('=') ? 1 : 0;
  if (size < static_cast<int>(padding)) return std::nullopt;
  decoded.resize(static_cast<size_t>(size) - padding);
  const size_t colon = decoded.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return ClientSecret{decoded.substr(0, colon), decoded.substr(colon + 1)};
}

}  // namespace sluice
