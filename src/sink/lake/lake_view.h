#pragma once

#include <map>
#include <memory>

#include "catalog/catalog.h"
#include "iceberg/manifest_cache.h"
#include "sink/sink.h"
#include "storage/object_store.h"

namespace sluice {

/// The current snapshots of all tables at one moment. Its files stay for the grace period of their deletion.
class LakeView final : public SinkView {
 public:
  /// `store` and `cache` must outlive the view.
  LakeView(ObjectStore& store, iceberg::ManifestCache& cache, std::map<TableName, CatalogTable> tables)
      : store_(store), cache_(cache), tables_(std::move(tables)) {}

  Result<TableDigest> Digest(const TableDefinition& table) override;
  Result<std::unique_ptr<DigestReceiver>> Expect(const TableDefinition& table) override;

 private:
  ObjectStore& store_;
  iceberg::ManifestCache& cache_;
  const std::map<TableName, CatalogTable> tables_;
};

}  // namespace sluice
