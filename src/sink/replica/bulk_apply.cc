#include "sink/replica/bulk_apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>

#include "base/failpoint.h"
#include "observability/errors/replica_codes.h"
#include "sink/replica/row_encoder.h"
#include "sink/replica/row_statements.h"
#include "sink/replica/session.h"

namespace sluice {
namespace {

// Each stage costs the server a truncation at every commit that touched any of them.
constexpr size_t kStagesMax = 64;
constexpr size_t kSortedFrom = 1000;

ApplyOutcome Failed(Status status) {
  if (status.ok()) return {};
  return ApplyFailure{std::move(status).error(), false};
}

std::vector<size_t> AllColumns(const DestinationTable& table) {
  std::vector<size_t> all(table.columns.size());
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

// t."id" = s.o0 AND …
std::string KeyMatch(const DestinationTable& table) {
  std::string match;
  for (const size_t i : IdentifyingColumns(table)) {
    const DestinationColumn& column = table.columns[i];
    match += fmt::format("{}t.{} {} s.o{}{}", match.empty() ? "" : " AND ", column.quoted, column.equals, i,
                         column.as_text ? "::" + column.type_sql : "");
  }
  return match;
}

std::string StageList(std::span<const size_t> old_key, std::span<const size_t> values) {
  std::string list = "step";
  for (const size_t i : old_key) list += fmt::format(", o{}", i);
  for (const size_t i : values) list += fmt::format(", c{}", i);
  return list;
}

// Rows that arrive in the order of their index cost a third of rows in random order. Big-endian numbers, uuids and
// texts compare by their first bytes; where that is not the index's order nothing is lost but time.
void SortByKey(const DestinationTable& table, std::vector<const NetRow*>& rows) {
  if (rows.size() < kSortedFrom || !table.schema->has_key()) return;
  std::vector<std::pair<uint64_t, const NetRow*>> keyed;
  keyed.reserve(rows.size());
  const size_t column = table.schema->key.front();
  for (const NetRow* row : rows) {
    TupleReader reader(row->tuple);
    for (size_t i = 0; i < column; ++i) reader.Next();
    const Bytes value = reader.Next().bytes;
    std::byte prefix[8] = {};
    if (!value.empty()) std::memcpy(prefix, value.data(), std::min(value.size(), sizeof prefix));
    keyed.emplace_back(LoadBigEndian<uint64_t>(prefix), row);
  }
  std::sort(keyed.begin(), keyed.end());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = keyed[i].second;
}

ApplyFailure CopyFailure(const CopyIn& copy, Error error, const DestinationTable& table) {
  error.message = fmt::format("table {} of the replica: {}", table.name, error.message);
  return SortedFailure(std::move(error), copy.sql_state(), &table);
}

ApplyOutcome BeginCopy(CopyIn& copy, const std::string& target, const DestinationTable& table) {
  Status begun = copy.Begin(target);
  if (begun.ok()) return {};
  return CopyFailure(copy, std::move(begun).error(), table);
}

void AppendStep(std::string& to, size_t fields, int32_t step) {
  AppendBigEndian<int16_t>(to, static_cast<int16_t>(fields + 1));
  AppendBigEndian<int32_t>(to, 4);
  AppendBigEndian<int32_t>(to, step);
}

}  // namespace

std::string StageColumns(const DestinationTable& table) {
  std::string columns = "step int4";
  for (const size_t i : IdentifyingColumns(table))
    columns += fmt::format(", o{} {}", i, table.columns[i].as_text ? "text" : table.columns[i].type_sql);
  for (size_t i = 0; i < table.columns.size(); ++i)
    columns += fmt::format(", c{} {}", i, table.columns[i].as_text ? "text" : table.columns[i].type_sql);
  return columns;
}

std::string StageValues(const DestinationTable& table) {
  std::string values;
  for (size_t i = 0; i < table.columns.size(); ++i)
    values += fmt::format("{}c{}{}", i > 0 ? ", " : "", i, table.columns[i].as_text ? "::" + table.columns[i].type_sql : "");
  return values;
}

ApplyOutcome BulkApply::Run(const std::string& sql, const DestinationTable& table, std::optional<uint64_t> rows_expected) {
  const PgResult done = connection_.Run(sql);
  if (PQresultStatus(done.get()) != PGRES_COMMAND_OK) return FailureOf(connection_, done.get(), &table);
  if (!rows_expected) return {};
  const std::string_view count = PQcmdTuples(done.get());
  uint64_t rows = 0;
  std::from_chars(count.data(), count.data() + count.size(), rows);
  if (rows != *rows_expected) return MissingRow(table);
  return {};
}

void BulkApply::TransactionEnded() {
  for (auto& [id, stage] : stages_) {
    stage.dirty = false;
    stage.step = 0;
  }
}

ApplyOutcome BulkApply::OpenStage(const DestinationTable& table, Stage*& stage) {
  auto found = stages_.find(table.id);
  if (found == stages_.end()) {
    if (stages_.size() >= kStagesMax) {
      if (auto failure = Run("DROP TABLE IF EXISTS pg_temp." + stages_.begin()->second.name, table, {})) return failure;
      stages_.erase(stages_.begin());
    }
    Stage made;
    made.name = fmt::format("sluice_stage_{}", table.id);
    if (auto failure = Run(fmt::format("CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS", made.name,
                                       StageColumns(table)), table, {}))
      return failure;
    found = stages_.emplace(table.id, std::move(made)).first;
  } else if (auto failure = EmptyStage(table, found->second)) {
    return failure;  // An earlier part of the same transaction had used it.
  }
  stage = &found->second;
  return {};
}

ApplyOutcome BulkApply::EmptyStage(const DestinationTable& table, Stage& stage) {
  if (!stage.dirty) return {};
  stage.dirty = false;
  return Run("TRUNCATE pg_temp." + stage.name, table, {});
}

ApplyOutcome BulkApply::FinishCopy(CopyIn& copy, const DestinationTable& table) {
  auto finished = copy.Finish();
  if (finished.ok()) return {};
  return CopyFailure(copy, std::move(finished).error(), table);
}

ApplyOutcome BulkApply::StageKeys(const DestinationTable& table, Stage& stage, int32_t step,
                                  std::span<const NetRow* const> first, std::span<const NetRow* const> second) {
  const std::vector<size_t> key = IdentifyingColumns(table);
  stage.dirty = true;
  CopyIn copy(connection_);
  if (auto failure = BeginCopy(copy, fmt::format("pg_temp.{} ({})", stage.name, StageList(key, {})), table)) return failure;
  for (const auto& rows : {first, second}) {
    for (const NetRow* row : rows) {
      AppendStep(copy.buffer(), key.size(), step);
      if (auto failure = Failed(AppendFields(copy.buffer(), table, row->old_key, key))) return failure;
      if (auto failure = Failed(copy.AfterTuple())) return failure;
    }
  }
  return FinishCopy(copy, table);
}

ApplyOutcome BulkApply::StageGroup(const DestinationTable& table, Stage& stage, Group& group) {
  const std::vector<size_t> key = IdentifyingColumns(table);
  group.step = ++stage.step;
  stage.dirty = true;
  CopyIn copy(connection_);
  if (auto failure = BeginCopy(copy, fmt::format("pg_temp.{} ({})", stage.name, StageList(key, group.set)), table)) return failure;
  for (const NetRow* row : group.rows) {
    AppendStep(copy.buffer(), key.size() + group.set.size(), group.step);
    if (auto failure = Failed(AppendFields(copy.buffer(), table, row->old_key, key))) return failure;
    if (auto failure = Failed(AppendFields(copy.buffer(), table, row->tuple, group.set))) return failure;
    if (auto failure = Failed(copy.AfterTuple())) return failure;
  }
  return FinishCopy(copy, table);
}

ApplyOutcome BulkApply::UpdateGroup(const DestinationTable& table, Stage& stage, Group& group) {
  // Alone in the stage: a condition on the step would make the server expect a handful of rows and look each up
  // by itself where one pass over the table is due.
  if (auto failure = EmptyStage(table, stage)) return failure;
  if (auto failure = StageGroup(table, stage, group)) return failure;
  const bool key_changes = group.rows.front()->key_changed;
  std::string set;
  for (const size_t i : group.set) {
    const DestinationColumn& column = table.columns[i];
    if (column.in_key && !key_changes && group.set.size() > table.schema->key.size()) continue;
    set += fmt::format("{}{} = s.c{}{}", set.empty() ? "" : ", ", column.quoted, i, column.as_text ? "::" + column.type_sql : "");
  }
  return Run(fmt::format("UPDATE {} t SET {} FROM pg_temp.{} s WHERE {}", table.name, set, stage.name, KeyMatch(table)),
             table, group.rows.size());
}

// Gives the staged rows the values that nobody sent, from the rows they replace.
ApplyOutcome BulkApply::FillGroup(const DestinationTable& table, Stage& stage, const Group& group) {
  std::string set;
  for (const size_t i : group.unchanged)
    set += fmt::format("{}c{} = t.{}{}", set.empty() ? "" : ", ", i, table.columns[i].quoted, table.columns[i].as_text ? "::text" : "");
  return Run(fmt::format("UPDATE pg_temp.{} s SET {} FROM {} t WHERE s.step = {} AND {}", stage.name, set, table.name,
                         group.step, KeyMatch(table)),
             table, group.rows.size());
}

ApplyOutcome BulkApply::InsertFromStage(const DestinationTable& table, const Stage& stage, int32_t step) {
  return Run(fmt::format("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.{} WHERE step = {}",
                         RowTarget(table), StageValues(table), stage.name, step),
             table, {});
}

ApplyOutcome BulkApply::Insert(const DestinationTable& table, std::span<const std::byte* const> tuples,
                               std::span<const NetRow* const> rows) {
  if (tuples.empty() && rows.empty()) return {};
  Stage* stage = nullptr;
  std::string target = RowTarget(table);
  int32_t step = 0;
  const std::vector<size_t> all = AllColumns(table);
  if (table.any_text) {
    if (auto failure = OpenStage(table, stage)) return failure;
    step = ++stage->step;
    stage->dirty = true;
    target = fmt::format("pg_temp.{} ({})", stage->name, StageList({}, all));
  }
  CopyIn copy(connection_);
  if (auto failure = BeginCopy(copy, target, table)) return failure;
  const auto put = [&](const std::byte* tuple) -> Status {
    if (stage == nullptr) {
      RETURN_IF_ERROR(AppendRow(copy.buffer(), table, tuple));
    } else {
      AppendStep(copy.buffer(), all.size(), step);
      RETURN_IF_ERROR(AppendFields(copy.buffer(), table, tuple, all));
    }
    return copy.AfterTuple();
  };
  for (const std::byte* tuple : tuples)
    if (auto failure = Failed(put(tuple))) return failure;
  for (const NetRow* row : rows)
    if (auto failure = Failed(put(row->tuple))) return failure;
  if (auto failure = FinishCopy(copy, table)) return failure;
  return stage == nullptr ? ApplyOutcome() : InsertFromStage(table, *stage, step);
}

ApplyOutcome BulkApply::Apply(const TableEffect& effect, Way way) {
  const DestinationTable& table = *effect.table;
  if (effect.truncate)
    if (auto failure = Run("TRUNCATE " + table.name, table, {})) return failure;
  // Whole rows are cheaper to delete and insert than to update, as long as no trigger can see the difference.
  const bool replace = way == Way::kReplace;
  std::vector<const NetRow*> whole;
  std::map<std::pair<bool, std::vector<size_t>>, Group> groups;
  for (const NetRow* row : effect.updates) {
    if (!row->has_unchanged && (replace || replica_role_)) {
      whole.push_back(row);
      continue;
    }
    std::vector<size_t> set;
    std::vector<size_t> unchanged;
    TupleReader reader(row->tuple);
    for (size_t i = 0; i < table.columns.size(); ++i)
      (reader.Next().kind == ValueKind::kUnchanged ? unchanged : set).push_back(i);
    Group& group = groups[{row->key_changed, unchanged}];
    group.set = std::move(set);
    group.unchanged = std::move(unchanged);
    group.rows.push_back(row);
  }
  SortByKey(table, whole);
  Stage* stage = nullptr;
  if (!groups.empty() || !whole.empty() || !effect.deletes.empty())
    if (auto failure = OpenStage(table, stage)) return failure;
  size_t gone = effect.deletes.size() + whole.size();
  if (replace) {
    for (auto& [kind, group] : groups) {
      if (auto failure = StageGroup(table, *stage, group)) return failure;
      if (!group.unchanged.empty())
        if (auto failure = FillGroup(table, *stage, group)) return failure;
    }
  }
  if (replace)
    for (const auto& [kind, group] : groups) gone += group.rows.size();
  if (gone > 0) {
    const int32_t step = ++stage->step;
    if (auto failure = StageKeys(table, *stage, step, effect.deletes, whole)) return failure;
    // Everything in the stage by now is a row that has to go.
    if (auto failure = Run(fmt::format("DELETE FROM {} t USING pg_temp.{} s WHERE {}", table.name, stage->name, KeyMatch(table)),
                           table, gone))
      return failure;
  }
  for (auto& [kind, group] : groups) {
    if (auto failure = replace ? InsertFromStage(table, *stage, group.step) : UpdateGroup(table, *stage, group)) return failure;
  }
  return Insert(table, effect.inserts, whole);
}

}  // namespace sluice
