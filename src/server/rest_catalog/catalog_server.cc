#include "server/rest_catalog/catalog_server.h"

#include <fmt/format.h>

#include "observability/log.h"

namespace sluice {

std::map<std::string, std::string> StoreSettings(const LakeConfig& lake) {
  std::map<std::string, std::string> settings;
  if (!lake.warehouse.starts_with("s3://")) return settings;
  const StorageConfig& storage = lake.storage;
  // As the lake's own writer takes it: another store than Amazon's has no regions, but signatures need one.
  const std::string region = storage.region.empty() && !storage.endpoint.empty() ? "us-east-1" : storage.region;
  if (!region.empty()) settings["s3.region"] = settings["client.region"] = region;
  if (!storage.endpoint.empty()) {
    settings["s3.endpoint"] = storage.endpoint;
    settings["s3.path-style-access"] = "true";
  }
  return settings;
}

CatalogServer::CatalogServer(const CatalogServeConfig& config, const LakeConfig& lake, std::set<std::string> hidden, std::unique_ptr<Moments> moments)
    : config_(config), lake_(lake, std::move(hidden)), moments_(std::move(moments)), catalog_({lake.catalog_name, StoreSettings(lake), config.token, config.clients}, lake_, *moments_) {}

Result<std::unique_ptr<CatalogServer>> CatalogServer::Start(const CatalogServeConfig& config, const LakeConfig& lake, std::set<std::string> hidden,
                                                            std::unique_ptr<Moments> moments) {
  std::unique_ptr<CatalogServer> started(new CatalogServer(config, lake, std::move(hidden), std::move(moments)));
  HttpServerOptions options{.address = config.address, .port = config.port, .certificate_file = config.certificate_file, .key_file = config.key_file};
  ASSIGN_OR_RETURN(started->server_, HttpServer::Listen(std::move(options), [raw = started.get()](const HttpRequest& request) { return raw->catalog_.Answer(request); }));
  log::Info("serve", "serve.catalog", fmt::format("readers find the lake at {}", started->url()));
  return started;
}

std::string CatalogServer::url() const {
  const bool is_v6 = config_.address.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", config_.certificate_file.empty() ? "http" : "https", is_v6 ? "[" : "", config_.address, is_v6 ? "]" : "", server_->port());
}

}  // namespace sluice
