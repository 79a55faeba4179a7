#pragma once
// Manifests and manifest lists never change once written, so what was read or written lately is
// kept.

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_list.h"
#include "storage/object_store.h"

namespace sluice::iceberg {

/// Where planning gets what it must read.
class ManifestReader {
 public:
  virtual ~ManifestReader() = default;
  /// The entries of a manifest with everything they inherit filled in.
  virtual Result<ManifestEntries> ReadManifest(const ManifestFile& manifest) = 0;
  virtual Result<ManifestFiles> ReadManifestList(const std::string& uri) = 0;
};

/// Reads through an object store and keeps the latest used up to a size. Thread-safe.
class ManifestCache final : public ManifestReader {
 public:
  /// `store` must outlive the cache.
  ManifestCache(ObjectStore& store, size_t capacity_bytes);

  Result<ManifestEntries> ReadManifest(const ManifestFile& manifest) override;
  Result<ManifestFiles> ReadManifestList(const std::string& uri) override;

  /// Keeps what was just written, so that it need not be read again.
  void KeepManifest(const std::string& uri, ManifestEntries entries);
  void KeepManifestList(const std::string& uri, ManifestFiles manifests);

  size_t held_bytes() const;

 private:
  struct Item {
    std::string uri;
    ManifestEntries entries;  // Of a manifest.
    ManifestFiles manifests;  // Of a manifest list.
    size_t size_bytes = 0;
  };

  Item Find(const std::string& uri);
  void Keep(Item item);

  ObjectStore& store_;
  const size_t capacity_bytes_;

  mutable std::mutex mutex_;  // Guards everything below.
  std::list<Item> items_;     // The latest used first.
  std::unordered_map<std::string, std::list<Item>::iterator> by_uri_;
  size_t held_bytes_ = 0;
};

}  // namespace sluice::iceberg
