#include "sim_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "change/table_error.h"
#include "coverage.h"
#include "observability/error_catalog.h"
#include "sim_initial_copy.h"
#include "sim_sink_parts.h"

namespace sluice::simulator {
namespace {

Error Lost() { return Error{ErrorKind::kOutcomeUnknown, "the reply to the commit did not come"}; }

/// Columns with values that the table does not have any more.
std::vector<int16_t> ColumnsGone(const TableContent& content, const TableSchema& table) {
  std::vector<int16_t> gone;
  for (const auto& [attribute, sum] : content.digest().columns)
    if (std::none_of(table.columns.begin(), table.columns.end(), [&](const Column& column) { return AttributeOf(column.name) == attribute; }))
      gone.push_back(attribute);
  return gone;
}

}  // namespace

Result<std::unique_ptr<Sink>> SimSink::Open(World& world, LifePtr life, Destination& destination) {
  RETURN_IF_ERROR(world.Travel(*life));
  while (world.scheduler.now() < destination.blocked_until) {
    world.scheduler.SleepUntil(std::min(destination.blocked_until, world.scheduler.now() + kSecond));
    RETURN_IF_ERROR(world.Travel(*life));
  }
  if (world.faults.Strikes(Fault::kSinkError)) {
    Count(Event::kSinkError);
    return Cut("the sink does not answer");
  }
  const uint64_t epoch = destination.TakeEpoch(world.random.Chance(0.5));
  world.checker.Durable(destination);
  KeptCopies kept;
  for (const auto& [name, copy] : destination.durable.kept)
    if (!copy.copy.ranges.empty()) kept[name] = copy.copy;
  std::unique_ptr<Sink> sink(new SimSink(world, life, destination, epoch, std::move(kept)));
  RETURN_IF_ERROR(world.Travel(*life));
  return sink;
}

SimSink::SimSink(World& world, LifePtr life, Destination& destination, uint64_t epoch, KeptCopies kept)
    : world_(world), life_(std::move(life)), destination_(destination), incarnation_(destination.incarnation), epoch_(epoch), kept_(std::move(kept)) {
  LearnDurable();
}

void SimSink::LearnDurable() {
  bookmark_ = destination_.durable.bookmark;
  copied_ = destination_.durable.copied;
  held_ = destination_.durable.held;
}

Status SimSink::Broken(Error error) {
  broken_ = true;
  return error;
}

Status SimSink::Call(const char* what) {
  if (world_.faults.Strikes(Fault::kSinkSlow)) {
    Count(Event::kSinkSlow);
    world_.scheduler.SleepUntil(world_.scheduler.now() + world_.random.Between(50, 5000) * kMillisecond);
  }
  Status travelled = world_.Travel(*life_);
  while (travelled.ok() && world_.scheduler.now() < destination_.blocked_until) {
    world_.scheduler.SleepUntil(std::min(destination_.blocked_until, world_.scheduler.now() + kSecond));
    travelled = world_.Travel(*life_);
  }
  if (!travelled.ok()) return Broken(travelled.error());
  if (broken_ || destination_.incarnation != incarnation_) return Broken(Cut(what));
  if (world_.faults.Strikes(Fault::kSinkError)) {
    Count(Event::kSinkError);
    return Broken(Cut(what));
  }
  return Ok();
}

Status SimSink::CheckEpoch() {
  if (destination_.durable.epoch == epoch_) return Ok();
  return Broken(Error{ErrorKind::kConflict, fmt::format("another process has taken epoch {} of {}", destination_.durable.epoch, destination_.name), slu::kFenced});
}

// What was done is durable; whether we hear of it is another matter.
Status SimSink::Reply() {
  world_.checker.Durable(destination_);
  if (world_.faults.Strikes(Fault::kCommitLost)) {
    Count(Event::kCommitLost);
    return Broken(world_.random.Chance(0.5) ? Lost() : Cut("the sink's connection broke off"));
  }
  Status heard = world_.Travel(*life_);
  return heard.ok() ? heard : Broken(heard.error());
}

Status SimSink::Hold(const TableName& table, const HeldTable& why) {
  RETURN_IF_ERROR(Call("hold"));
  RETURN_IF_ERROR(CheckEpoch());
  Count(Event::kTableHeld);
  destination_.durable.copied.erase(table);
  destination_.durable.held[table] = why;
  LearnDurable();
  return Reply();
}

Status SimSink::Forget(const TableName& table) {
  RETURN_IF_ERROR(Call("forget"));
  RETURN_IF_ERROR(CheckEpoch());
  destination_.durable.copied.erase(table);
  destination_.durable.held.erase(table);
  destination_.durable.kept.erase(table);
  kept_.erase(table);
  LearnDurable();
  return Reply();
}

Status SimSink::Follow(const TableDefinition& table, FollowExtent extent) {
  RETURN_IF_ERROR(Call("follow"));
  RETURN_IF_ERROR(CheckEpoch());
  const TableName& name = table.schema->name;
  if (world_.faults.Strikes(Fault::kFollowError)) {
    Count(Event::kFollowError);
    return Broken(About(name, Error{ErrorKind::kNeedsOperator, "this change takes a new copy", slu::kReplicaSchemaChanged}));
  }
  if (extent == FollowExtent::kLoosen) return Ok();
  Count(Event::kFollowed);
  for (const int16_t attribute : ColumnsGone(destination_.durable.tables[name], *table.schema)) destination_.durable.tables[name].DropColumn(attribute);
  destination_.durable.copied.at(name).fingerprint = ToText(table.fingerprint);
  LearnDurable();
  return Reply();
}

Result<std::unique_ptr<Sink>> SimSink::OpenBeside() {
  RETURN_IF_ERROR(Call("open beside"));
  return std::unique_ptr<Sink>(new SimSink(world_, life_, destination_, epoch_, kept_));
}

// ── stream ──

bool SimSink::Wants(const Transaction& transaction, const TableSchema& table) const {
  const auto copied = copied_.find(table.name);
  return copied != copied_.end() && copied->second.oid == table.oid &&
         TakesTransaction(copied->second, transaction.commit_lsn, transaction.end_lsn, bookmark_->position.lsn);
}

TableContent& SimSink::Working(const TableName& table) {
  const auto [at, added] = working_.try_emplace(table);
  if (added) at->second = destination_.durable.tables[table];
  return at->second;
}

void SimSink::Do(Step step) {
  TableContent& table = Working(step.table);
  switch (step.kind) {
    case Step::Kind::kPut:
      table.Erase(step.key);
      table.Insert(step.key, step.row);
      break;
    case Step::Kind::kErase: table.Erase(step.key); break;
    case Step::Kind::kClear: table.Clear(); break;
    case Step::Kind::kDropColumn: table.DropColumn(step.attribute); break;
  }
  steps_.push_back(std::move(step));
}

// A row that comes under other columns than the last one brings them.
void SimSink::FollowColumns(const TableSchema& table) {
  for (const int16_t attribute : ColumnsGone(Working(table.name), table)) Do({Step::Kind::kDropColumn, table.name, 0, {}, attribute});
}

void SimSink::Erase(const TableSchema& table, int64_t key) {
  if (Working(table.name).Find(key) == nullptr)
    Fail(fmt::format("a change of row {} of {}, which {} does not have", key, ToString(table.name), destination_.name));
  Do({Step::Kind::kErase, table.name, key, {}, 0});
}

Status SimSink::Apply(const ChangeBatch& batch, const Change& change, const TableSchema& table) {
  if (change.operation == Operation::kTruncate) {
    Do({Step::Kind::kClear, table.name, 0, {}, 0});
    return Ok();
  }
  SentRow old_side, new_side;
  if (change.old_kind != OldTuple::kNone) old_side = ReadTuple(batch.old_tuple(change), table);
  if (change.operation != Operation::kDelete) new_side = ReadTuple(batch.new_tuple(change), table);
  if (change.operation == Operation::kDelete) {
    Erase(table, old_side.key);
    return Ok();
  }
  if (change.operation == Operation::kUpdate) {
    const int64_t before = change.old_kind == OldTuple::kNone ? new_side.key : old_side.key;
    const Row* const row = Working(table.name).Find(before);
    if (row != nullptr)
      for (const int16_t attribute : new_side.untouched)
        if (const auto value = row->find(attribute); value != row->end()) new_side.row[attribute] = value->second;
    Erase(table, before);
  }
  if (Working(table.name).Find(new_side.key) != nullptr)
    Fail(fmt::format("row {} of {} is written to {} although it is there", new_side.key, ToString(table.name), destination_.name));
  Do({Step::Kind::kPut, table.name, new_side.key, std::move(new_side.row), 0});
  return Ok();
}

Status SimSink::Write(ChangeBatchPtr batch) {
  RETURN_IF_ERROR(Call("write"));
  for (const Transaction& transaction : batch->transactions) {
    in_transaction_ = !transaction.ends_here;
    for (size_t i = 0; i < transaction.change_count; ++i) {
      const Change& change = batch->changes[transaction.first_change + i];
      const TableSchema& table = *batch->tables[change.table];
      if (!Wants(transaction, table)) continue;
      if (world_.faults.Strikes(Fault::kTableError)) {
        world_.checker.MayBeHeld(destination_.name, table.name);
        Count(Event::kTableError);
        return Broken(About(table.name, RandomTableError(world_.random)));
      }
      TableSchemaPtr& last = schemas_[table.name];
      if (last != batch->tables[change.table]) {
        last = batch->tables[change.table];
        FollowColumns(table);
      }
      RETURN_IF_ERROR(Apply(*batch, change, table));
    }
  }
  uncommitted_bytes_ += batch->size_bytes();
  return Ok();
}

Status SimSink::Commit(const Position& position, Timestamp source_time) {
  if (in_transaction_) Fail(fmt::format("{} is told to commit in the midst of a transaction", destination_.name));
  if (position.lsn < ResumeLsn(bookmark_->position.lsn, copied_)) Fail(fmt::format("{} is told to commit back to {}", destination_.name, ToString(position.lsn)));
  Commitment commitment{epoch_, std::move(steps_), {}, position, source_time, 0};
  steps_.clear();
  const bool behind = position.lsn < bookmark_->position.lsn;
  for (const auto& [name, table] : copied_)
    if (table.catching_up_from && (!behind || *table.catching_up_from < position.lsn)) commitment.catching_up.push_back(name);
  Status called = Call("commit");
  const bool sent = called.ok() || (!life_->alive && world_.random.Chance(0.5));  // Killed while the commit is on its way.
  if (sent && (!called.ok() || world_.faults.Strikes(Fault::kCommitLate))) {
    commitment.lands_at = world_.scheduler.now() + world_.random.Between(0, 3000) * kMillisecond;
    if (destination_.incarnation == incarnation_) destination_.late.push_back(std::move(commitment));
    return Broken(called.ok() ? Lost() : called.error());
  }
  RETURN_IF_ERROR(std::move(called));
  if (world_.faults.Strikes(Fault::kCommitUndone)) {
    Count(Event::kCommitUndone);
    return Broken(Lost());
  }
  RETURN_IF_ERROR(CheckEpoch());
  if (!destination_.Land(commitment)) Fail("a commit of this epoch was fenced");
  Count(Event::kSinkCommit);
  bookmark_ = destination_.durable.bookmark;
  for (const TableName& table : commitment.catching_up) copied_.at(table).catching_up_from = destination_.durable.copied.at(table).catching_up_from;
  uncommitted_bytes_ = 0;
  return Reply();
}

Status SimSink::Repair(std::span<const RowRepair>) { return Error{ErrorKind::kNeedsOperator, "nothing is repaired here", slu::kRepairRefused}; }

Result<std::unique_ptr<SinkView>> SimSink::View() {
  RETURN_IF_ERROR(Call("view"));
  return std::unique_ptr<SinkView>(std::make_unique<SimView>(destination_.durable.tables));
}

}  // namespace sluice::simulator
