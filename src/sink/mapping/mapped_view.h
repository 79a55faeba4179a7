#pragma once

#include <memory>

#include "sink/mapping/mapping.h"
#include "sink/sink.h"

namespace sluice {

/// Looks at a mapped sink by the source's definitions: what is expected goes through the same mapping as what was
/// written.
class MappedView final : public SinkView {
 public:
  static std::unique_ptr<SinkView> Of(std::unique_ptr<SinkView> view, std::shared_ptr<mapping::Mapping> mapping);

  /// Only of tables that are not mapped: the source cannot mask.
  Result<RowForm> Form(const TableDefinition& table) override;
  Status Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop, BucketSums& sums) override;
  Status Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max, std::stop_token stop,
               std::vector<FetchedRow>& rows) override;

  Result<TableDigest> Digest(const TableDefinition& table) override;
  Result<std::unique_ptr<DigestReceiver>> Expect(const TableDefinition& table) override;

 private:
  MappedView(std::unique_ptr<SinkView> view, std::shared_ptr<mapping::Mapping> mapping) : view_(std::move(view)), mapping_(std::move(mapping)) {}

  const std::unique_ptr<SinkView> view_;
  const std::shared_ptr<mapping::Mapping> mapping_;
};

}  // namespace sluice
