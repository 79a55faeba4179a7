#include "restore/lake_copy.h"

#include <algorithm>

#include "base/check.h"

namespace sluice {
namespace {

/// What a snapshot of the lake shows stays, so nothing has to be held, and no key is ever read again.
class LakeReader final : public InitialCopy::Reader {
 public:
  explicit LakeReader(const LakeTables& tables) : tables_(tables) {}

  Status Read(const TableDefinition&, const CopyRange& range, RowReceiver& receiver) override {
    return tables_[range.table]->Read(range.first_block, range.end_block, receiver);  // Who takes the rows is stopped.
  }
  Status Hold(const TableDefinition&, size_t) override { return Ok(); }

  Status Sum(const TableDefinition&, const CopyRange&, const RowForm&, const Buckets&, std::stop_token, BucketSums&) override { return Unasked(); }
  Status Fetch(const TableDefinition&, const CopyRange&, const RowForm&, const Buckets&, size_t, std::stop_token, std::vector<FetchedRow>&) override { return Unasked(); }
  Status FetchKeys(const TableDefinition&, const RowForm&, const std::vector<std::vector<std::string>>&, std::stop_token, std::vector<std::optional<FetchedRow>>&) override { return Unasked(); }
  Status ReadKeys(const TableDefinition&, const StreamedKeys&, std::stop_token, RowReceiver&) override { return Unasked(); }
  Status ReadRowsOf(const TableDefinition&, const StreamedKeys&, std::stop_token, RowReceiver&) override { return Unasked(); }

 private:
  static Status Unasked() { return Error{ErrorKind::kCorrupt, "a copy from the lake was asked for what only a source is asked"}; }

  const LakeTables& tables_;
};

}  // namespace

std::vector<CopyRange> LakeCopy::Plan(const std::vector<TableDefinition>& tables, uint64_t range_bytes_target) const {
  SLUICE_CHECK(tables.size() == tables_.size());
  std::vector<CopyRange> ranges;
  for (size_t table = 0; table < tables_.size(); ++table) {
    const LakeRows& rows = *tables_[table];
    CopyRange range{table, 0, 0, 0, 0};
    for (size_t file = 0; file < rows.file_count(); ++file) {
      range.size_bytes += rows.bytes_of(file);
      range.end_block = static_cast<uint32_t>(file + 1);
      if (range.size_bytes < range_bytes_target && file + 1 < rows.file_count()) continue;
      ranges.push_back(range);
      range = {table, 0, range.end_block, range.end_block, 0};
    }
  }
  const auto table_bytes = [&](const CopyRange& range) { return tables[range.table].size_bytes(); };
  std::stable_sort(ranges.begin(), ranges.end(), [&](const CopyRange& a, const CopyRange& b) { return table_bytes(a) > table_bytes(b); });
  return ranges;
}

Result<std::unique_ptr<InitialCopy::Reader>> LakeCopy::Open() { return std::unique_ptr<Reader>(new LakeReader(tables_)); }

Status LakeCopy::ReadSequenceValues(std::vector<TableDefinition>& tables) {
  for (TableDefinition& table : tables) {
    const auto of = std::find_if(tables_.begin(), tables_.end(), [&](const auto& rows) { return rows->definition().schema->name == table.schema->name; });
    if (of != tables_.end()) (*of)->SetSequenceValues(table.sequences);
  }
  return Ok();
}

}  // namespace sluice
