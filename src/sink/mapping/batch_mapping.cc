#include "sink/mapping/batch_mapping.h"

#include <fmt/format.h>

#include <algorithm>

#include "observability/errors/mapping_codes.h"
#include "postgres/quote.h"

namespace sluice::mapping {
namespace {

// A tuple that MeasureTuple accepted before.
size_t SizeOfTuple(const std::byte* tuple) {
  TupleReader reader(tuple);
  const std::byte* end = tuple + 2;
  for (size_t i = 0; i < reader.columns(); ++i) {
    const Value value = reader.Next();
    end += value.kind == ValueKind::kNull || value.kind == ValueKind::kUnchanged ? 1 : 5 + value.bytes.size();
  }
  return static_cast<size_t>(end - tuple);
}

size_t CopyTuple(const std::byte* tuple, ChangeBatch& out) {
  const size_t at = out.bytes.size();
  out.bytes.insert(out.bytes.end(), tuple, tuple + SizeOfTuple(tuple));
  return at;
}

bool HasNew(Operation operation) { return operation == Operation::kInsert || operation == Operation::kUpdate; }

Error ValueNotSent(const TablePlan& plan) {
  return Error{ErrorKind::kNeedsOperator,
               fmt::format("table {}: an update brought a row into the filter, but did not send a large value of it", ToString(plan.source->name)),
               slu::kMappingValueNotSent, "", "",
               {fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;   -- on the source, so that old rows come whole", QuoteName(plan.source->name)),
                "then have the table copied again: sluice resync TABLE"}};
}

}  // namespace

Result<ChangeBatchPtr> BatchMapper::Map(const ChangeBatchPtr& batch) {
  tables_.assign(batch->tables.size(), Table{});
  bool any = false;
  for (size_t i = 0; i < tables_.size(); ++i) {
    tables_[i].route = route_(batch->tables[i]);
    any |= tables_[i].route.mapped;
  }
  if (!any) return batch;
  auto out = std::make_shared<ChangeBatch>();
  out->bytes.reserve(batch->bytes.size() + batch->bytes.size() / 8);
  out->changes.reserve(batch->changes.size());
  out->transactions.reserve(batch->transactions.size());
  out->end_lsn = batch->end_lsn;
  out->source_time = batch->source_time;
  for (const Transaction& transaction : batch->transactions) {
    Transaction mapped = transaction;
    mapped.first_change = out->changes.size();
    for (size_t i = 0; i < transaction.change_count; ++i)
      RETURN_IF_ERROR(MapChange(*batch, batch->changes[transaction.first_change + i], transaction.commit_lsn, *out));
    mapped.change_count = out->changes.size() - mapped.first_change;
    out->transactions.push_back(mapped);
  }
  return ChangeBatchPtr(std::move(out));
}

Result<BatchMapper::Table*> BatchMapper::TableOf(const ChangeBatch& batch, uint32_t index, ChangeBatch& out) {
  Table& table = tables_[index];
  if (table.index != UINT32_MAX) return &table;
  if (table.route.mapped) {
    ASSIGN_OR_RETURN(table.plan, plan_(batch.tables[index]));
  }
  table.index = static_cast<uint32_t>(out.tables.size());
  out.tables.push_back(table.plan ? table.plan->target : batch.tables[index]);
  return &table;
}

Status BatchMapper::MapChange(const ChangeBatch& batch, const Change& change, Lsn commit_lsn, ChangeBatch& out) {
  if (const TableRoute& route = tables_[change.table].route; route.mapped && commit_lsn < route.copy_lsn) return Ok();
  ASSIGN_OR_RETURN(Table* const table, TableOf(batch, change.table, out));
  if (table->plan && !table->plan->same_tuples() && change.operation != Operation::kTruncate) return MapRow(batch, *table, change, out);
  PassOn(batch, *table, change, out);
  return Ok();
}

void BatchMapper::PassOn(const ChangeBatch& batch, const Table& table, const Change& change, ChangeBatch& out) {
  Change passed = change;
  passed.table = table.index;
  if (change.old_kind != OldTuple::kNone) passed.old_offset = CopyTuple(batch.old_tuple(change), out);
  if (HasNew(change.operation)) passed.new_offset = CopyTuple(batch.new_tuple(change), out);
  out.changes.push_back(passed);
}

Result<bool> BatchMapper::Takes(const TablePlan& plan, std::span<const Value> values, std::span<const Value> fallback) {
  if (plan.conditions.empty()) return true;
  switch (Judge(plan.conditions, values, fallback, work_.mask.scratch)) {
    case Verdict::kTaken: return true;
    case Verdict::kLeft: return false;
    case Verdict::kUnknown: return ValueNotSent(plan);
    case Verdict::kMalformed: break;
  }
  return MalformedValue(plan);
}

// An update that crosses the filter's border is an insert or a delete to the sink.
Status BatchMapper::MapRow(const ChangeBatch& batch, const Table& table, const Change& change, ChangeBatch& out) {
  const TablePlan& plan = *table.plan;
  const bool has_old = change.old_kind != OldTuple::kNone;
  const bool has_new = HasNew(change.operation);
  old_values_.clear();
  if (has_old) ReadValues(batch.old_tuple(change), old_values_);
  if (has_new) ReadValues(batch.new_tuple(change), work_.values);
  if ((has_old && old_values_.size() != plan.columns.size()) || (has_new && work_.values.size() != plan.columns.size())) return MalformedValue(plan);

  bool takes_new = false;
  if (has_new) {
    ASSIGN_OR_RETURN(takes_new, Takes(plan, work_.values, old_values_));
  }
  bool takes_old = change.operation == Operation::kUpdate && takes_new;  // Without an old side the deciding columns are as before.
  if (has_old) {
    ASSIGN_OR_RETURN(takes_old, Takes(plan, old_values_, {}));
  }
  if (!takes_old && !takes_new) return Ok();

  Change mapped = change;
  mapped.table = table.index;
  const bool comes_in = change.operation == Operation::kUpdate && !takes_old;
  if (comes_in) {
    mapped.operation = Operation::kInsert;
    mapped.old_kind = OldTuple::kNone;
  }
  if (change.operation == Operation::kUpdate && !takes_new) mapped.operation = Operation::kDelete;
  if (HasNew(mapped.operation)) {
    const bool whole_old = comes_in && change.old_kind == OldTuple::kFull;
    mapped.new_offset = out.bytes.size();
    RETURN_IF_ERROR(AppendTuple(plan, work_, whole_old ? std::span<const Value>(old_values_) : std::span<const Value>(), out.bytes));
    if (comes_in && MeasureTuple(Bytes(out.bytes).subspan(mapped.new_offset), plan.target->columns.size()) > 0) {
      ReadValues(out.bytes.data() + mapped.new_offset, work_.fallback);
      const auto unchanged = [](const Value& value) { return value.kind == ValueKind::kUnchanged; };
      if (std::any_of(work_.fallback.begin(), work_.fallback.end(), unchanged)) return ValueNotSent(plan);
    }
  }
  if (mapped.old_kind != OldTuple::kNone) {
    std::swap(work_.values, old_values_);
    mapped.old_offset = out.bytes.size();
    RETURN_IF_ERROR(AppendTuple(plan, work_, {}, out.bytes));
  }
  out.changes.push_back(mapped);
  return Ok();
}

}  // namespace sluice::mapping
