#include "config/storage_section.h"

#include <fmt/format.h>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

void ReadEndpoint(FieldReader& storage, StorageConfig& config) {
  storage.Text("endpoint", config.endpoint);
  if (!config.endpoint.empty() && !config.endpoint.starts_with("https://") && !config.endpoint.starts_with("http://"))
    storage.Mistake(slu::kBadValue, "an endpoint begins with https:// or http://", nullptr, "endpoint", "", "", "endpoint: https://minio.example:9000");
}

// Amazon's own words: what is in its documentation can be copied.
void ReadKeys(FieldReader& storage, StorageConfig& config) {
  storage.Text("region", config.region);
  storage.Text("access_key", config.access_key);
  storage.Secret("secret_key", config.secret_key, "AWS_SECRET_ACCESS_KEY");
  storage.Secret("session_token", config.session_token, "AWS_SESSION_TOKEN");
  storage.Text("role_arn", config.role_arn);
  storage.Text("external_id", config.external_id);
  storage.Text("ca_file", config.ca_file);
  if (storage.Has("access_key") != storage.Has("secret_key"))
    storage.Mistake(slu::kMissingField, "access_key and secret_key belong together", nullptr, storage.Has("access_key") ? "access_key" : "secret_key", "",
                    "Without both the credentials are looked for as every AWS tool does: environment, profile, web identity, the machine's role.",
                    "access_key: ...\nsecret_key: ${AWS_SECRET_ACCESS_KEY}");
  if (storage.Has("access_key") && storage.Has("role_arn"))
    storage.Mistake(slu::kConflictingFields, "access_key and role_arn contradict each other", nullptr, "role_arn", "",
                    "A role is taken on with the credentials of the environment, so that no keys need to stand here.", "leave out access_key and secret_key");
}

// As Iceberg's readers spell it: the container is no part of the path.
void CheckAzure(FieldReader& fields, const YamlNode* node, const std::string& warehouse) {
  const size_t scheme = warehouse.find("://") + 3, at = warehouse.find('@', scheme), slash = warehouse.find('/', scheme);
  if (at == std::string::npos || slash == std::string::npos || at > slash || slash + 1 == warehouse.size() || warehouse.find(".dfs.", at) > slash)
    fields.Mistake(slu::kBadValue, fmt::format("{} names no folder in a container of an account", Quoted(*node)), node, "warehouse", "", "", "warehouse: abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH");
}

}  // namespace

std::string AbsolutePath(const std::string& path, const std::string& folder) {
  return path.starts_with('/') || path.find("://") != std::string::npos ? path : folder + "/" + path;
}

bool IsInBucket(const std::string& warehouse) { return warehouse.starts_with("s3://") || IsAtGoogle(warehouse) || IsInAzure(warehouse); }

bool IsInAzure(const std::string& warehouse) { return warehouse.starts_with("abfs://") || warehouse.starts_with("abfss://"); }

bool IsAtGoogle(const std::string& warehouse) { return warehouse.starts_with("gs://"); }

void ReadStorage(FieldReader& fields, const std::string& folder, LakeConfig& lake) {
  const YamlNode* const node = fields.Text("warehouse", lake.warehouse, Presence::kRequired);
  if (node != nullptr) {
    const size_t scheme = lake.warehouse.find("://");
    if (scheme != std::string::npos && !lake.warehouse.starts_with("file:///") && !IsInBucket(lake.warehouse))
      fields.Mistake(slu::kNotSupported, fmt::format("a lake in {} is not built in", Quoted(*node)), node, "warehouse", "",
                     "A lake is in a folder, or in a bucket of S3 and what speaks its protocol, of Google or of Azure.",
                     "warehouse: /srv/lake\nwarehouse: s3://bucket/path\nwarehouse: gs://bucket/path\nwarehouse: abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH");
    if (lake.warehouse.starts_with("file://")) lake.warehouse = lake.warehouse.substr(7);
    lake.warehouse = AbsolutePath(lake.warehouse, folder);
    while (lake.warehouse.size() > 1 && lake.warehouse.ends_with('/')) lake.warehouse.pop_back();
    if (IsInAzure(lake.warehouse)) CheckAzure(fields, node, lake.warehouse);
  }
  if (auto storage = fields.Mapping("storage")) {
    if (node != nullptr && !IsInBucket(lake.warehouse))
      fields.Mistake(slu::kConflictingFields, "storage is for a warehouse in a bucket", nullptr, "storage", "", "", "warehouse: s3://bucket/path");
    ReadEndpoint(*storage, lake.storage);
    if (IsInAzure(lake.warehouse)) storage->Secret("account_key", lake.storage.secret_key, "AZURE_STORAGE_KEY");
    else if (!IsAtGoogle(lake.warehouse)) ReadKeys(*storage, lake.storage);
    storage->RefuseOthers();
  }
}

}  // namespace sluice
