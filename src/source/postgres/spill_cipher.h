#pragma once
// AES-256 in counter mode under a key that lives and dies with one file: what lies on disk is noise to everybody who
// has not this process's memory. No authentication, since nobody else can open a file without a name.

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/free_with.h"
#include "base/result.h"

namespace sluice {

class SpillCipher {
 public:
  /// Under a new random key. Error: kUnavailable (2302).
  static Result<SpillCipher> Create();

  /// Encrypts or decrypts (the same in counter mode) what lies at `offset` of the file. `from` and `to` are equally
  /// long, and may be the same. An offset must never hold two different plain texts. Error: kUnavailable (2302).
  Status Apply(uint64_t offset, Bytes from, std::span<std::byte> to);

 private:
  using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;

  explicit SpillCipher(Context context) : context_(std::move(context)) {}

  Context context_;
};

}  // namespace sluice
