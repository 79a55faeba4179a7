#pragma once
// Iceberg's REST catalog for readers: what a client may ask, and what it is told.

#include <map>
#include <string>

#include "server/http/http_message.h"
#include "server/http/router.h"
#include "server/rest_catalog/lake_reader.h"
#include "server/rest_catalog/moments.h"
#include "server/rest_catalog/token_authority.h"

namespace sluice {

struct RestCatalogOptions {
  std::string name;                              ///< Clients may use it as prefix, or none.
  std::map<std::string, std::string> store = {}; ///< What a reader must know of the store, and no secret: "s3.region".
  std::string token = {};
  std::map<std::string, std::string> clients = {};  ///< Secrets by client.
};

/// Thread-safe.
class RestCatalog {
 public:
  /// `lake` and `moments` must outlive it.
  RestCatalog(RestCatalogOptions options, LakeReader& lake, Moments& moments);

  HttpResponse Answer(const HttpRequest& request) const;

 private:
  HttpResponse GiveToken(const RoutedRequest& request) const;
  HttpResponse Config(const RoutedRequest& request) const;
  HttpResponse ListNamespaces(const RoutedRequest& request) const;
  HttpResponse LoadNamespace(const RoutedRequest& request) const;
  HttpResponse ListTables(const RoutedRequest& request) const;
  HttpResponse LoadTable(const RoutedRequest& request) const;
  HttpResponse LoadTableAtMoment(const RoutedRequest& request) const;
  HttpResponse HasTable(const RoutedRequest& request) const;
  std::string EtagOf(const std::string& document) const;

  const RestCatalogOptions options_;
  const TokenAuthority authority_;
  const std::string store_json_;
  LakeReader& lake_;
  Moments& moments_;
  Router router_;
};

}  // namespace sluice
