#include "sim_initial_copy.h"

#include <algorithm>
#include <set>

#include "change/row_text.h"
#include "change/server_hash.h"
#include "change/tuple.h"
#include "coverage.h"
#include "observability/errors/source_codes.h"

namespace sluice::simulator {
namespace {

constexpr size_t kRowsPerCall = 8;

constexpr uint64_t kBlockBytes = 8192;

class SimReader final : public InitialCopy::Reader {
 public:
  SimReader(World& world, LifePtr life, uint64_t incarnation, std::shared_ptr<const SimInitialCopy::Snapshot> snapshot)
      : world_(world), life_(std::move(life)), incarnation_(incarnation), snapshot_(std::move(snapshot)) {}

  Status Read(const TableDefinition& table, const CopyRange& range, RowReceiver& receiver) override {
    return ForEach(table, range, [&](int64_t key, const Row& row) { return Put(*table.schema, key, row, receiver); }, [&] { return HandOver(receiver); });
  }

  Status Hold(const TableDefinition&, size_t) override { return CheckSession(); }

  Status Sum(const TableDefinition& table, const CopyRange& range, const RowForm&, const Buckets& buckets, std::stop_token, BucketSums& sums) override {
    return ForEach(table, range, [&](int64_t key, const Row& row) {
      SumUp(*table.schema, key, row, buckets, sums);
      return Ok();
    }, [] { return Ok(); });
  }

  Status Fetch(const TableDefinition& table, const CopyRange& range, const RowForm&, const Buckets& buckets, size_t, std::stop_token,
               std::vector<FetchedRow>& rows) override {
    return ForEach(table, range, [&](int64_t key, const Row& row) {
      FetchInto(*table.schema, key, row, buckets, rows);
      return Ok();
    }, [] { return Ok(); });
  }

  Status ReadKeys(const TableDefinition& table, const StreamedKeys& keys, std::stop_token, RowReceiver& receiver) override {
    RETURN_IF_ERROR(Look(table));
    for (const std::string& key : keys) RETURN_IF_ERROR(Put(*table.schema, KeyOf(key), {}, receiver));
    return HandOver(receiver);
  }

  // The same key comes in binary form and as text, when the stream has told it in both.
  Status ReadRowsOf(const TableDefinition& table, const StreamedKeys& keys, std::stop_token, RowReceiver& receiver) override {
    ASSIGN_OR_RETURN(const FakeDatabase::Table* const found, Look(table));
    std::set<int64_t> distinct;
    for (const std::string& key : keys) distinct.insert(KeyOf(key));
    for (const int64_t key : distinct)
      if (const Row* const row = found->content.Find(key)) RETURN_IF_ERROR(Put(*table.schema, key, *row, receiver));
    return HandOver(receiver);
  }

  Status FetchKeys(const TableDefinition&, const RowForm&, const std::vector<std::vector<std::string>>&, std::stop_token,
                   std::vector<std::optional<FetchedRow>>&) override {
    return Error{ErrorKind::kNeedsOperator, "nothing is repaired here"};
  }

 private:
  static int64_t KeyOf(const std::string& streamed) {
    const Value value = TupleReader(AsBytes(streamed).data()).Next();
    if (value.kind == ValueKind::kBinary) return LoadBigEndian<int64_t>(value.bytes.data());
    return std::stoll(std::string(AsText(value.bytes)));
  }

  Status CheckSession() {
    RETURN_IF_ERROR(world_.Travel(*life_));
    if (world_.server.incarnation != incarnation_ || !world_.server.up(world_.scheduler.now())) return Cut("the copy's session broke off");
    if (!world_.faults.Strikes(Fault::kSourceError)) return Ok();
    Count(Event::kSourceError);
    return Cut("the copy's session broke off");
  }

  // As the real reader: a table whose files are others than under the snapshot looks empty under it.
  Result<const FakeDatabase::Table*> Look(const TableDefinition& table) {
    RETURN_IF_ERROR(CheckSession());
    const auto now = world_.server.database.tables().find(table.schema->oid);
    if (now == world_.server.database.tables().end()) return Cut("cannot copy a table that was dropped");
    for (const Column& column : table.schema->columns)
      if (std::none_of(now->second.shape->columns.begin(), now->second.shape->columns.end(),
                       [&](const ColumnShape& one) { return one.attribute == column.attribute_number; }))
        return Cut("cannot copy a column that was dropped");
    const auto then = snapshot_->tables.find(table.schema->oid);
    if (then != snapshot_->tables.end() && then->second.file_node == now->second.file_node) return &then->second;
    Count(Event::kRewrittenInCopy);
    return Error{ErrorKind::kUnavailable, "the table was emptied or rewritten while it was being copied", slu::kCopiedTableRewritten};
  }

  template <class Visit, class End>
  Status ForEach(const TableDefinition& table, const CopyRange& range, const Visit& visit, const End& end) {
    ASSIGN_OR_RETURN(const FakeDatabase::Table* const found, Look(table));
    for (const auto& [key, row] : found->content.rows())
      if (const uint32_t block = found->blocks.at(key); block >= range.first_block && block < range.end_block) RETURN_IF_ERROR(visit(key, row));
    return end();
  }

  Status Put(const TableSchema& schema, int64_t key, const Row& row, RowReceiver& receiver) {
    AppendBigEndian(bytes_, static_cast<int16_t>(schema.columns.size()));
    for (const Column& column : schema.columns) {
      if (column.attribute_number == 1) {
        AppendBigEndian<int32_t>(bytes_, 8);
        AppendBigEndian(bytes_, key);
        continue;
      }
      const auto value = row.find(column.attribute_number);
      AppendBigEndian(bytes_, value == row.end() ? -1 : static_cast<int32_t>(value->second.size()));
      if (value != row.end()) bytes_ += value->second;
    }
    return ++rows_ < kRowsPerCall ? Ok() : HandOver(receiver);
  }

  Status HandOver(RowReceiver& receiver) {
    if (rows_ == 0) return Ok();
    RETURN_IF_ERROR(CheckSession());
    const std::string bytes = std::exchange(bytes_, {});
    return receiver.Rows(AsBytes(bytes), std::exchange(rows_, 0));
  }

  World& world_;
  const LifePtr life_;
  const uint64_t incarnation_;
  const std::shared_ptr<const SimInitialCopy::Snapshot> snapshot_;
  std::string bytes_;
  size_t rows_ = 0;
};

uint64_t BucketHash(int64_t key) {
  RowText text;
  text.Add(std::to_string(key));
  return ServerHash(text.Finish(), kBucketSeed);
}

}  // namespace

SimInitialCopy::SimInitialCopy(World& world, LifePtr life)
    : world_(world), life_(std::move(life)), incarnation_(world.server.incarnation), lsn_(world.server.database.end()) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->tables = world.server.database.tables();
  snapshot_ = std::move(snapshot);
  ++world_.server.snapshots_under_way;
}

SimInitialCopy::~SimInitialCopy() { --world_.server.snapshots_under_way; }

// Other ranges each time, as of tables that have grown.
std::vector<CopyRange> SimInitialCopy::Plan(const std::vector<TableDefinition>& tables, uint64_t) const {
  std::vector<CopyRange> ranges;
  for (size_t i = 0; i < tables.size(); ++i) {
    std::set<uint32_t> ends{kPages};
    for (uint64_t cuts = world_.random.Below(5); cuts > 0; --cuts) ends.insert(static_cast<uint32_t>(world_.random.Between(1, kPages - 1)));
    uint32_t first = 0;
    for (const uint32_t end : ends) {
      ranges.push_back({i, 0, first, end == kPages ? UINT32_MAX : end, (end - first) * kBlockBytes});
      first = end;
    }
  }
  return ranges;
}

Result<std::unique_ptr<InitialCopy::Reader>> SimInitialCopy::Open() {
  RETURN_IF_ERROR(world_.Travel(*life_));
  if (world_.faults.Strikes(Fault::kExporterKilled)) {
    Count(Event::kExporterKilled);
    exporter_killed_ = true;
  }
  if (!world_.server.up(world_.scheduler.now())) return Cut("the source does not answer");
  if (exporter_killed_ || world_.server.incarnation != incarnation_)
    return Error{ErrorKind::kUnavailable, "a copy connection does not find the exported snapshot", slu::kSnapshotMismatch};
  return std::unique_ptr<Reader>(std::make_unique<SimReader>(world_, life_, incarnation_, snapshot_));
}

Status SimInitialCopy::ReadSequenceValues(std::vector<TableDefinition>&) { return world_.Travel(*life_); }

std::vector<std::optional<std::string>> TextsOf(const TableSchema& schema, int64_t key, const Row& row) {
  std::vector<std::optional<std::string>> texts;
  for (const Column& column : schema.columns) {
    const auto value = row.find(column.attribute_number);
    if (column.attribute_number == 1) texts.push_back(std::to_string(key));
    else texts.push_back(value == row.end() ? std::nullopt : std::optional(value->second));
  }
  return texts;
}

void SumUp(const TableSchema& schema, int64_t key, const Row& row, const Buckets& buckets, BucketSums& sums) {
  const uint64_t hash = BucketHash(key);
  if (!buckets.Contains(hash)) return;
  RowText text;
  for (const auto& value : TextsOf(schema, key, row)) text.Add(value ? std::optional<std::string_view>(*value) : std::nullopt);
  const std::string_view whole = text.Finish();
  sums[buckets.Of(hash)].Add({1, {static_cast<__int128>(ServerHash(whole, kLaneSeeds[0])), static_cast<__int128>(ServerHash(whole, kLaneSeeds[1]))}});
}

void FetchInto(const TableSchema& schema, int64_t key, const Row& row, const Buckets& buckets, std::vector<FetchedRow>& rows) {
  if (buckets.Contains(BucketHash(key))) rows.push_back({TextsOf(schema, key, row), 1});
}

}  // namespace sluice::simulator
