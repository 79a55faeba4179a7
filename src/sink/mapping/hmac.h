#pragma once
// HMAC-SHA256 (RFC 2104) over libcrypto's SHA-256, without an allocation per message.

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/free_with.h"

namespace sluice::mapping {

using Digest = std::array<unsigned char, 32>;

Digest Sha256(std::string_view text);

/// One key's two first blocks. Immutable.
class HmacKey {
 public:
  explicit HmacKey(std::string_view key);

 private:
  friend class Hmac;
  std::array<unsigned char, 64> inner_, outer_;
};

/// Computes; one thread at a time.
class Hmac {
 public:
  Hmac();
  /// Appends 64 lower-case hexadecimal digits.
  void AppendHex(const HmacKey& key, std::string_view message, std::string& out);

 private:
  std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>> context_;
};

}  // namespace sluice::mapping
