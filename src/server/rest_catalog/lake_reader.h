#pragma once
// What the catalog says at this moment, without ever making or changing anything.

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "server/rest_catalog/text_cache.h"
#include "storage/object_store.h"

namespace sluice {

inline constexpr size_t kMetadataCacheBytesMax = 32 << 20;  ///< Of a hundred tables with a hundred snapshots each.
inline constexpr int64_t kMetadataBytesMax = 64 << 20;      ///< Of one metadata file. A thousand snapshots take one megabyte.

enum class SnapshotsWanted { kAll, kReferenced };

/// Thread-safe. A catalog that does not exist yet is empty. Errors: as of Catalog and ObjectStore.
class LakeReader {
 public:
  /// `hidden`: namespaces whose properties nobody shall see, nor themselves while they have no table.
  LakeReader(LakeConfig config, std::set<std::string> hidden) : config_(std::move(config)), hidden_(std::move(hidden)), cache_(kMetadataCacheBytesMax) {}

  /// As the catalog names them, sorted.
  Result<std::vector<std::string>> Namespaces();
  /// Empty too where there is no such namespace.
  Result<iceberg::Properties> PropertiesOf(const std::string& name_space);
  /// Sorted.
  Result<std::vector<std::string>> Tables(const std::string& name_space);
  /// Where its metadata is; nullopt if there is no such table.
  Result<std::optional<std::string>> FindMetadata(const TableIdentifier& table);
  /// The file that FindMetadata named; nullptr if the table has gone on and the file is gone since.
  Result<TextCache::Text> ReadMetadata(const std::string& location, SnapshotsWanted snapshots);

 private:
  /// nullptr if there is none yet.
  Result<std::shared_ptr<Catalog>> OpenCatalog();
  Result<ObjectStore*> OpenStore();

  const LakeConfig config_;
  const std::set<std::string> hidden_;
  TextCache cache_;

  std::mutex mutex_;  // Guards everything below.
  std::unique_ptr<ObjectStore> store_;
  std::shared_ptr<Catalog> catalog_;  // Of a server, whose connection is kept.
};

}  // namespace sluice
