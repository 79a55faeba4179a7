#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "server/http/http_server.h"
#include "server/rest_catalog/lake_reader.h"
#include "server/rest_catalog/rest_catalog.h"

namespace sluice {

/// The lake's catalog at one URL, until destroyed. What fails later fails a request, never more.
class CatalogServer {
 public:
  /// `hidden`: as of LakeReader. Error: as of HttpServer::Listen.
  static Result<std::unique_ptr<CatalogServer>> Start(const CatalogServeConfig& config, const LakeConfig& lake, std::set<std::string> hidden, std::unique_ptr<Moments> moments);

  /// What readers are told: "http://127.0.0.1:8181".
  std::string url() const;

 private:
  CatalogServer(const CatalogServeConfig& config, const LakeConfig& lake, std::set<std::string> hidden, std::unique_ptr<Moments> moments);

  const CatalogServeConfig config_;
  LakeReader lake_;
  const std::unique_ptr<Moments> moments_;
  const RestCatalog catalog_;
  std::unique_ptr<HttpServer> server_;  // Its handlers use all above.
};

/// What a reader must know of the lake's store to read its files, besides credentials.
std::map<std::string, std::string> StoreSettings(const LakeConfig& lake);

}  // namespace sluice
