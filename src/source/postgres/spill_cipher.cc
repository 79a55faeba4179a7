#include "source/postgres/spill_cipher.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <climits>

#include "base/check.h"
#include "observability/errors/source_codes.h"

namespace sluice {
namespace {

constexpr size_t kBlockBytes = 16;
constexpr size_t kCallBytesMax = 1 << 30;  // OpenSSL counts in int.

Error Failed(const char* what) {
  return Error{ErrorKind::kUnavailable, "cannot encrypt the spill file of an open transaction", slu::kSpillFailed, what};
}

}  // namespace

Result<SpillCipher> SpillCipher::Create() {
  std::array<unsigned char, 32> key;
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) return Failed("openssl: no random bytes");
  Context context(EVP_CIPHER_CTX_new());
  const bool ready = context != nullptr && EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, key.data(), nullptr) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  if (!ready) return Failed("openssl: AES-256-CTR is not available");
  return SpillCipher(std::move(context));
}

// The counter is the number of the block; the first bytes of a block that was begun before are skipped over.
Status SpillCipher::Apply(uint64_t offset, Bytes from, std::span<std::byte> to) {
  SLUICE_CHECK(from.size() == to.size());
  std::array<std::byte, kBlockBytes> counter{};
  StoreBigEndian<uint64_t>(counter.data() + 8, offset / kBlockBytes);
  int written = 0;
  const auto update = [&](const std::byte* in, std::byte* out, size_t size) {
    return EVP_EncryptUpdate(context_.get(), reinterpret_cast<unsigned char*>(out), &written, reinterpret_cast<const unsigned char*>(in), static_cast<int>(size)) == 1;
  };
  if (EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, reinterpret_cast<const unsigned char*>(counter.data())) != 1)
    return Failed("openssl: the counter was refused");
  std::array<std::byte, kBlockBytes> skipped{};
  if (const size_t begun = offset % kBlockBytes; begun > 0 && !update(skipped.data(), skipped.data(), begun)) return Failed("openssl: refused");
  for (size_t at = 0; at < from.size();) {
    const size_t size = std::min(from.size() - at, kCallBytesMax);
    if (!update(from.data() + at, to.data() + at, size)) return Failed("openssl: refused");
    at += size;
  }
  return Ok();
}

}  // namespace sluice
