#include "sink/mapping/hmac.h"

#include <algorithm>

#include "base/check.h"

namespace sluice::mapping {

Digest Sha256(std::string_view text) {
  Digest digest;
  SLUICE_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

HmacKey::HmacKey(std::string_view key) {
  std::array<unsigned char, 64> block{};
  if (key.size() > block.size()) {
    const Digest digest = Sha256(key);
    std::copy(digest.begin(), digest.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (size_t i = 0; i < block.size(); ++i) {
    inner_[i] = static_cast<unsigned char>(block[i] ^ 0x36);
    outer_[i] = static_cast<unsigned char>(block[i] ^ 0x5c);
  }
}

Hmac::Hmac() : context_(EVP_MD_CTX_new()) { SLUICE_CHECK(context_ != nullptr); }

void Hmac::AppendHex(const HmacKey& key, std::string_view message, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  Digest digest;
  EVP_MD_CTX* const context = context_.get();
  const bool done = EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1 && EVP_DigestUpdate(context, key.inner_.data(), key.inner_.size()) == 1 &&
                    EVP_DigestUpdate(context, message.data(), message.size()) == 1 && EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1 &&
                    EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1 && EVP_DigestUpdate(context, key.outer_.data(), key.outer_.size()) == 1 &&
                    EVP_DigestUpdate(context, digest.data(), digest.size()) == 1 && EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1;
  SLUICE_CHECK(done);  // SHA-256 in memory does not fail.
  for (const unsigned char byte : digest) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
}

}  // namespace sluice::mapping
