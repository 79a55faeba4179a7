#include "iceberg/manifest_cache.h"

#include <utility>

#include "iceberg/format_error.h"
#include "iceberg/manifest_avro.h"
#include "iceberg/manifest_list_avro.h"

namespace sluice::iceberg {
namespace {

/// Roughly what it takes in memory; strings of bounds and counts are what grows.
size_t SizeOf(const std::vector<ManifestEntry>& entries) {
  size_t size = 0;
  for (const ManifestEntry& entry : entries) {
    const DataFile& file = entry.file;
    size += sizeof entry + file.path.capacity() + file.partition.size() * sizeof(Literal);
    size += (file.column_sizes.size() + file.value_counts.size() + file.null_value_counts.size() +
             file.nan_value_counts.size()) *
            16;
    size +=
        (file.lower_bounds.size() + file.upper_bounds.size()) * 56 + file.split_offsets.size() * 8;
  }
  return size;
}

size_t SizeOf(const std::vector<ManifestFile>& manifests) {
  size_t size = 0;
  for (const ManifestFile& manifest : manifests)
    size += sizeof manifest + manifest.path.capacity() +
            manifest.partitions.size() * sizeof(FieldSummary);
  return size;
}

}  // namespace

ManifestCache::ManifestCache(ObjectStore& store, size_t capacity_bytes)
    : store_(store), capacity_bytes_(capacity_bytes) {}

Result<ManifestEntries> ManifestCache::ReadManifest(const ManifestFile& manifest) {
  // The row ids that its entries inherit come with the upgrade to format 3.
  const std::string key = manifest.first_row_id ? manifest.path + "#" + std::to_string(*manifest.first_row_id) : manifest.path;
  if (const Item item = Find(key); item.entries) return item.entries;
  ASSIGN_OR_RETURN(const std::string bytes, store_.Get(manifest.path));
  Result<Manifest> decoded = DecodeManifest(bytes);
  if (!decoded.ok()) return InFile(decoded.error(), manifest.path);
  InheritFrom(manifest, decoded->entries);
  auto entries = std::make_shared<const std::vector<ManifestEntry>>(std::move(decoded->entries));
  KeepManifest(key, entries);
  return ManifestEntries(entries);
}

Result<ManifestFiles> ManifestCache::ReadManifestList(const std::string& uri) {
  if (const Item item = Find(uri); item.manifests) return item.manifests;
  ASSIGN_OR_RETURN(const std::string bytes, store_.Get(uri));
  Result<std::vector<ManifestFile>> decoded = DecodeManifestList(bytes);
  if (!decoded.ok()) return InFile(decoded.error(), uri);
  auto manifests = std::make_shared<const std::vector<ManifestFile>>(std::move(*decoded));
  KeepManifestList(uri, manifests);
  return ManifestFiles(manifests);
}

void ManifestCache::KeepManifest(const std::string& uri, ManifestEntries entries) {
  const size_t size = SizeOf(*entries) + uri.size();
  Keep({uri, std::move(entries), nullptr, size});
}

void ManifestCache::KeepManifestList(const std::string& uri, ManifestFiles manifests) {
  const size_t size = SizeOf(*manifests) + uri.size();
  Keep({uri, nullptr, std::move(manifests), size});
}

size_t ManifestCache::held_bytes() const {
  const std::lock_guard lock(mutex_);
  return held_bytes_;
}

ManifestCache::Item ManifestCache::Find(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  const auto found = by_uri_.find(uri);
  if (found == by_uri_.end()) return {};
  items_.splice(items_.begin(), items_, found->second);
  return items_.front();
}

void ManifestCache::Keep(Item item) {
  if (item.size_bytes > capacity_bytes_ / 4) return;  // It would throw out everything else.
  const std::lock_guard lock(mutex_);
  if (by_uri_.contains(item.uri)) return;
  held_bytes_ += item.size_bytes;
  items_.push_front(std::move(item));
  by_uri_[items_.front().uri] = items_.begin();
  while (held_bytes_ > capacity_bytes_) {
    held_bytes_ -= items_.back().size_bytes;
    by_uri_.erase(items_.back().uri);
    items_.pop_back();
  }
}

}  // namespace sluice::iceberg
