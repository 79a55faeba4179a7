#pragma once

#include <string>

namespace sluice {

/// A server of Iceberg's REST protocol that keeps a lake's catalog, and as whom it is asked. At most one of token, client and
/// signing is set.
struct RestCatalogConfig {
  std::string uri;              ///< What stands before /v1: https://catalog.example/api/catalog, without a slash at its end.
  std::string warehouse;        ///< As the server names it: a catalog of Polaris, the ARN of an S3 table bucket. Empty: its own default.
  std::string token;            ///< Bearer.
  std::string client_id;        ///< OAuth2 client credentials, renewed by themselves.
  std::string client_secret;
  std::string token_uri;        ///< Empty: <uri>/v1/oauth/tokens.
  std::string scope = "catalog";
  std::string signing_service;  ///< SigV4: "glue" or "s3tables", with the keys that the storage is used with.
  std::string signing_region;
  bool removes_orphans = false; ///< The server keeps no state of the tables that their metadata does not name, as branches would.
  std::string ca_file;          ///< Certificates (PEM) that are trusted in place of the system's.
};

}  // namespace sluice
