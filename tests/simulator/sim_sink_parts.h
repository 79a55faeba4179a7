#pragma once
// What the simulated sink reads and hands out.

#include <map>
#include <vector>

#include "sim_sink.h"

namespace sluice::simulator {

/// A tuple of the stream in the destination's own terms.
struct SentRow {
  int64_t key = 0;
  Row row;
  std::vector<int16_t> untouched;
};
SentRow ReadTuple(const std::byte* tuple, const TableSchema& table);
/// Rows in the form of binary COPY.
std::vector<std::pair<int64_t, Row>> ReadCopied(Bytes rows, size_t count, const TableSchema& table);

/// One of the errors that are about one table alone.
Error RandomTableError(Random& random);

class SimCopyWriter final : public CopyWriter {
 public:
  SimCopyWriter(SimSink& sink, TableSchemaPtr table, const std::optional<BlockRange>& range) : sink_(sink), table_(std::move(table)), range_(range) {}
  Status Rows(Bytes rows, size_t count) override;
  Status Finish() override;

 private:
  SimSink& sink_;
  const TableSchemaPtr table_;
  const std::optional<BlockRange> range_;
  std::map<int64_t, Row> rows_;
};

class SimView final : public SinkView {
 public:
  explicit SimView(std::map<TableName, TableContent> tables) : tables_(std::move(tables)) {}
  Result<RowForm> Form(const TableDefinition& table) override;
  Status Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop, BucketSums& sums) override;
  Status Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max, std::stop_token stop,
               std::vector<FetchedRow>& rows) override;
  Result<TableDigest> Digest(const TableDefinition& table) override;
  Result<std::unique_ptr<DigestReceiver>> Expect(const TableDefinition& table) override;

 private:
  std::map<TableName, TableContent> tables_;
};

}  // namespace sluice::simulator
