#pragma once

#include <string>

namespace sluice {

/// Where objects are kept, and as whom. Texts that are empty leave it to the cloud's own chain: environment, profile, web
/// identity, the machine's role.
struct StorageConfig {
  std::string endpoint;       ///< Of a store that speaks the same protocol: https://host:port. Empty: the cloud's own.
  std::string region;         ///< Empty: Amazon is asked where the bucket is; of another store "us-east-1".
  std::string access_key;
  std::string secret_key;     ///< Of access_key; in Azure the account's.
  std::string session_token;  ///< Of temporary keys, which nobody renews: better a role.
  std::string role_arn;       ///< A role to be taken on with the chain's credentials, renewed by itself.
  std::string external_id;    ///< What the role's owner asks for.
  std::string ca_file;        ///< Certificates (PEM) that are trusted in place of the system's.
};

}  // namespace sluice
