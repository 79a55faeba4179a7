// How the simulated sink copies tables, and what it keeps of a copy that is interrupted.

#include <fmt/format.h>

#include <algorithm>

#include "coverage.h"
#include "sim_sink.h"
#include "sim_sink_parts.h"

namespace sluice::simulator {
namespace {

constexpr double kKeepsNow = 0.4, kKeepsRange = 0.7;

Error Lost() { return Error{ErrorKind::kOutcomeUnknown, "the reply to the range's commit did not come"}; }

}  // namespace

Status SimSink::KeepCopies(const std::set<TableName>& tables) {
  const auto forgotten = [&](const auto& entry) { return !tables.contains(entry.first); };
  if (std::none_of(kept_.begin(), kept_.end(), forgotten)) return Ok();
  RETURN_IF_ERROR(Call("keep copies"));
  RETURN_IF_ERROR(CheckEpoch());
  for (const auto& entry : kept_) {
    if (!forgotten(entry)) continue;
    Count(Event::kCopyFromTheStart);
    destination_.durable.kept.erase(entry.first);
  }
  std::erase_if(kept_, forgotten);
  return Reply();
}

Status SimSink::PrepareTables(const std::vector<TableDefinition>& tables, const CopyPoint& point) {
  RETURN_IF_ERROR(Call("prepare"));
  RETURN_IF_ERROR(CheckEpoch());
  copy_position_ = point.position;
  for (const TableDefinition& table : tables) {
    const TableName& name = table.schema->name;
    KeptRows& durable = destination_.durable.kept[name];
    if (!kept_.contains(name)) {
      durable = {{point.position.log, table.schema->oid, CopyFingerprint(table), {}, {}}, {}, 0};
    } else {
      Trace("the copy of {} in {} goes on with {} ranges since {}", ToString(name), destination_.name, durable.copy.ranges.size(), ToString(durable.copy.lsn));
      Count(++durable.went_on > 1 ? Event::kCopyGoesOnAgain : Event::kCopyGoesOn);
    }
    copies_[name] = {durable.rows, {}};
  }
  return Reply();
}

Result<std::unique_ptr<CopyWriter>> SimSink::OpenCopyWriter(const TableDefinition& table, const std::optional<BlockRange>& range) {
  RETURN_IF_ERROR(Call("open copy writer"));
  return std::unique_ptr<CopyWriter>(std::make_unique<SimCopyWriter>(*this, table.schema, range));
}

void SimSink::Keep(const TableName& table) {
  KeptRows& durable = destination_.durable.kept[table];
  auto& not_kept = copies_[table].not_kept;
  for (auto range = not_kept.begin(); range != not_kept.end();) {
    if (destination_.keeping == Keeping::kSome && !world_.random.Chance(kKeepsRange)) {
      ++range;
      continue;
    }
    Count(Event::kRangeKept);
    durable.copy.lsn = durable.copy.ranges.empty() ? copy_position_.lsn : std::min(durable.copy.lsn, copy_position_.lsn);
    durable.copy.ranges.push_back(range->first);
    durable.rows.insert(range->second.begin(), range->second.end());
    range = not_kept.erase(range);
  }
}

Status SimSink::FinishRange(const TableName& table, const std::optional<BlockRange>& range, std::map<int64_t, Row> rows) {
  Status called = Call("copied range");
  const bool sent = called.ok() || (!life_->alive && world_.random.Chance(0.5));  // Killed while the commit is on its way.
  if (!sent || destination_.incarnation != incarnation_) return called;
  if (called.ok() && world_.faults.Strikes(Fault::kCommitUndone)) {
    Count(Event::kCommitUndone);
    return Broken(Lost());
  }
  UnfinishedCopy& copy = copies_[table];
  copy.rows.insert(rows.begin(), rows.end());
  const bool all = destination_.keeping == Keeping::kAll, some = destination_.keeping == Keeping::kSome && range && world_.random.Chance(kKeepsNow);
  if (all || some) RETURN_IF_ERROR(CheckEpoch());
  if (all && !range) destination_.durable.kept[table].rows.insert(rows.begin(), rows.end());
  if (range) {
    ++destination_.ranges_copied;
    copy.not_kept[*range] = std::move(rows);
  }
  if (all || some) Keep(table);
  if (!called.ok()) return called;
  return Reply();
}

Status SimSink::RemoveCopied(const TableDefinition& table, Bytes keys, size_t count) {
  RETURN_IF_ERROR(Call("remove copied rows"));
  RETURN_IF_ERROR(CheckEpoch());
  const TableName& name = table.schema->name;
  if (destination_.keeping == Keeping::kSome) Keep(name);
  Count(Event::kRowsReadAgain);
  UnfinishedCopy& copy = copies_[name];
  for (const auto& [key, row] : ReadCopied(keys, count, *table.schema)) {
    if (copy.rows.count(key) > 1) Count(Event::kRowMoved);
    copy.rows.erase(key);
    if (destination_.keeping == Keeping::kAll) destination_.durable.kept[name].rows.erase(key);
  }
  return Reply();
}

Status SimSink::FinishTables(const std::vector<TableDefinition>& tables, const Position& copy_position, Timestamp source_time) {
  RETURN_IF_ERROR(Call("finish tables"));
  RETURN_IF_ERROR(CheckEpoch());
  Destination::State& durable = destination_.durable;
  if (durable.bookmark && durable.bookmark->position.log != copy_position.log) Fail("tables were copied from another log than the sink follows");
  for (const TableDefinition& table : tables) {
    const TableName& name = table.schema->name;
    Count(durable.bookmark ? Event::kCopiedBeside : Event::kCopied);
    TableContent content;
    for (auto& [key, row] : copies_[name].rows)
      if (!content.Insert(key, std::move(row))) Fail(fmt::format("row {} of {} was copied twice to {}", key, ToString(name), destination_.name));
    durable.tables[name] = std::move(content);
    copies_.erase(name);
    durable.kept.erase(name);
    working_.erase(name);
    durable.copied[name] = {table.schema->oid, copy_position.lsn, {}, ToText(table.fingerprint)};
    if (durable.bookmark) durable.copied[name].catching_up_from = copy_position.lsn;
    durable.held.erase(name);
  }
  if (!durable.bookmark) durable.bookmark = Bookmark{copy_position, epoch_, source_time};
  LearnDurable();
  return Reply();
}

}  // namespace sluice::simulator
