#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "config/storage_config.h"

namespace sluice {

struct AwsKeys {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< Of temporary keys; else empty.
};

/// The keys that an S3 store of this configuration is used with, for services beside S3. Those that expire are renewed. Thread-safe.
class AwsKeyChain {
 public:
  explicit AwsKeyChain(const StorageConfig& config);
  ~AwsKeyChain();
  AwsKeyChain(const AwsKeyChain&) = delete;
  AwsKeyChain& operator=(const AwsKeyChain&) = delete;

  /// Error: kNeedsOperator (4006): the chain of environment, profile, web identity and the machine's role has none.
  Result<AwsKeys> Current() const;

 private:
  struct Provider;
  std::unique_ptr<Provider> provider_;
};

}  // namespace sluice
