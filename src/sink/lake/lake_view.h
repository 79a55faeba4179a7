#pragma once

#include <map>
#include <memory>

#include "catalog/catalog.h"
#include "iceberg/manifest_cache.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/live_rows.h"
#include "sink/sink.h"
#include "storage/object_store.h"

namespace sluice {

/// The current snapshots of all tables at one moment. Its files stay for the grace period of their deletion.
class LakeView final : public SinkView {
 public:
  /// `store` and `cache` must outlive the view.
  LakeView(ObjectStore& store, iceberg::ManifestCache& cache, std::map<TableName, CatalogTable> tables)
      : store_(store), cache_(cache), tables_(std::move(tables)) {}

  Result<RowForm> Form(const TableDefinition& table) override;
  Status Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop, BucketSums& sums) override;
  Status Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max, std::stop_token stop,
               std::vector<FetchedRow>& rows) override;
  Result<TableDigest> Digest(const TableDefinition& table) override;
  Result<std::unique_ptr<DigestReceiver>> Expect(const TableDefinition& table) override;

 private:
  class RowPrinter;
  Result<LakeSchemaPtr> SchemaOf(const TableDefinition& table) const;
  Status Visit(const TableDefinition& table, const LakeSchema& schema, const std::stop_token& stop, const VisitCells& visit);

  ObjectStore& store_;
  iceberg::ManifestCache& cache_;
  const std::map<TableName, CatalogTable> tables_;
};

}  // namespace sluice
