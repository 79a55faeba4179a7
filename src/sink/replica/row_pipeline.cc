#include "sink/replica/row_pipeline.h"

#include <fmt/format.h>

#include "change/table_error.h"
#include "observability/errors/replica_codes.h"
#include "observability/log.h"
#include "sink/replica/row_statements.h"
#include "sink/replica/session.h"

namespace sluice {
namespace {

constexpr size_t kPreparedMax = 1000;
// libpq keeps what the network does not take, and moves all of it at each attempt.
constexpr size_t kFlushBytes = 128 << 10;
constexpr size_t kMessageBytes = 50;
constexpr Oid kTextType = 25;

// What its rows or its shape cannot take: data, integrity, names and types, what a trigger raised. Not a full disk, a
// lost connection or a server that is read-only.
bool IsOfOneTable(std::string_view state) {
  for (const std::string_view of_class : {"0A", "22", "23", "2F", "38", "39", "42", "44", "54", "P0"})
    if (state.starts_with(of_class)) return true;
  return false;
}

}  // namespace

ApplyFailure FailureOf(const PgConnection& connection, const PGresult* result, const DestinationTable* table) {
  if (PQstatus(connection.get()) == CONNECTION_BAD) return {connection.LastError("connection to the replica lost"), false};
  const std::string_view state = SqlState(result);
  const std::string where = table != nullptr ? fmt::format("table {} of the replica", table->name) : "the replica";
  return SortedFailure(ErrorFromResult(result, where), state, table);
}

ApplyFailure SortedFailure(Error error, std::string_view state, const DestinationTable* table) {
  const bool collision = state == "23505" || state == "23P01";
  if (error.kind == ErrorKind::kNeedsOperator && error.code == 0) {
    const bool value = state.starts_with("22");
    error.code = collision ? slu::kReplicaRowConflict : value ? slu::kReplicaValueRefused : slu::kReplicaRowRefused;
  }
  if (table != nullptr && IsOfOneTable(state)) error = About(table->schema->name, std::move(error));
  return {std::move(error), collision};
}

ApplyFailure MissingRow(const DestinationTable& table) {
  log::Error("replica", "replica.divergence", "a row that the source changed is not in the replica",
             {{"table", table.name}});
  return {About(table.schema->name, Error{ErrorKind::kNeedsOperator, fmt::format("table {}: a row that the source changed is not in the replica", table.name),
                                          slu::kReplicaRowMissing}),
          false};
}

ApplyOutcome RowPipeline::Lost() const {
  return ApplyFailure{connection_.LastError("connection to the replica lost"), false};
}

ApplyOutcome RowPipeline::Enter() {
  if (active_) return {};
  if (PQenterPipelineMode(connection_.get()) != 1) return Lost();
  active_ = true;
  arena_.Clear();
  sent_.clear();
  return {};
}

ApplyOutcome RowPipeline::AddValue(const DestinationColumn& column, const Value& value) {
  types_.push_back(column.as_text ? kTextType : column.type);
  const auto add = [&](const std::byte* bytes, size_t size, bool text) {
    values_.push_back(reinterpret_cast<const char*>(bytes));
    lengths_.push_back(static_cast<int>(size));
    formats_.push_back(text ? 0 : 1);
  };
  const auto add_text = [&](Bytes text) {
    std::byte* const copy = arena_.Allocate(text.size() + 1);  // libpq wants a final zero in text form.
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = std::byte{0};
    add(copy, text.size(), true);
  };
  if (value.kind == ValueKind::kNull) {
    add(nullptr, 0, false);
    return {};
  }
  if (value.kind == ValueKind::kUnchanged)
    return ApplyFailure{Error{ErrorKind::kCorrupt, fmt::format("column {}: an unchanged value where one is needed", column.quoted)}, false};
  if (value.kind == ValueKind::kText) {
    add_text(value.bytes);
    return {};
  }
  if (column.object_number) {
    const auto text = ObjectNumberText(value.bytes, column.quoted);
    if (!text.ok()) return ApplyFailure{text.error(), false};
    if (column.as_text) {
      add_text(AsBytes(*text));
      return {};
    }
  }
  if (column.translation.pass_through()) {
    // An empty value may have no address; libpq takes nullptr for null.
    add(value.bytes.data(), value.bytes.size(), false);
    return {};
  }
  std::byte* const copy = arena_.Allocate(value.bytes.size());
  std::memcpy(copy, value.bytes.data(), value.bytes.size());
  const Status rewritten = column.translation.Rewrite({copy, value.bytes.size()});
  if (!rewritten.ok()) return ApplyFailure{rewritten.error(), false};
  add(copy, value.bytes.size(), false);
  return {};
}

ApplyOutcome RowPipeline::Prepare(const std::string& sql, const std::string& key, std::string& name,
                                  const DestinationTable* table) {
  name = fmt::format("s{}", prepared_count_++);
  if (PQsendPrepare(connection_.get(), name.c_str(), sql.c_str(), static_cast<int>(types_.size()), types_.data()) != 1)
    return Lost();
  sent_.push_back({Expect::kNothing, table});
  prepared_.emplace(key, name);
  return {};
}

ApplyOutcome RowPipeline::SendPrepared(const std::string& name, Sent expect) {
  if (PQsendQueryPrepared(connection_.get(), name.c_str(), static_cast<int>(values_.size()), values_.data(),
                          lengths_.data(), formats_.data(), 1) != 1)
    return Lost();
  sent_.push_back(expect);
  unsent_bytes_ += kMessageBytes;
  for (const int length : lengths_) unsent_bytes_ += static_cast<size_t>(length) + sizeof length;
  if (unsent_bytes_ < kFlushBytes) return {};
  unsent_bytes_ = 0;
  if (!connection_.Flush()) return Lost();
  return {};
}

ApplyOutcome RowPipeline::SendRow(const DestinationTable& table, Verb verb, const std::byte* new_tuple,
                                  const std::byte* old_tuple, bool set_key, bool guarded) {
  values_.clear();
  lengths_.clear();
  formats_.clear();
  types_.clear();
  // The key of the statement cache: table, verb, and which columns are set.
  key_.assign(reinterpret_cast<const char*>(&table.id), sizeof table.id);
  key_ += static_cast<char>(verb);
  key_ += guarded ? 'g' : '-';
  std::vector<size_t>& set = set_;
  set.clear();
  if (new_tuple != nullptr) {
    TupleReader reader(new_tuple);
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const DestinationColumn& column = table.columns[i];
      const Value value = reader.Next();
      if (verb == Verb::kUpdate) {
        const bool key_stays = column.in_key && !set_key;
        if (value.kind == ValueKind::kUnchanged || key_stays) continue;
        set.push_back(i);
        key_.append(reinterpret_cast<const char*>(&i), 2);
      }
      if (auto failure = AddValue(column, value)) return failure;
    }
  }
  if (verb == Verb::kUpdate && set.empty()) {
    // Nothing but its key, and that stays: still prove that the row is there.
    if (!set_key && table.schema->has_key())
      return SendRow(table, verb, new_tuple, old_tuple, true, guarded);
    return {};
  }
  if (old_tuple != nullptr) {
    TupleReader reader(old_tuple);
    for (const DestinationColumn& column : table.columns) {
      const Value value = reader.Next();
      if (table.schema->has_key() && !column.in_key) continue;
      if (auto failure = AddValue(column, value)) return failure;
    }
  }
  auto known = prepared_.find(key_);
  std::string name;
  if (known == prepared_.end()) {
    std::string sql = verb == Verb::kInsert   ? InsertSql(table)
                      : verb == Verb::kUpdate ? UpdateSql(table, set)
                      : verb == Verb::kDelete ? DeleteSql(table)
                                              : "TRUNCATE " + table.name;
    const bool guard = guarded && (verb == Verb::kUpdate || verb == Verb::kDelete);
    if (auto failure = Prepare(guard ? Guarded(sql) : sql, key_, name, &table)) return failure;
  } else {
    name = known->second;
  }
  const Expect expect = verb == Verb::kTruncate ? Expect::kNothing
                        : guarded && verb != Verb::kInsert ? Expect::kGuard
                                                           : Expect::kOneRow;
  return SendPrepared(name, {expect, &table});
}

ApplyOutcome RowPipeline::Send(const TableEffect& effect, bool guarded) {
  if (auto failure = Enter()) return failure;
  const DestinationTable& table = *effect.table;
  if (effect.truncate)
    if (auto failure = SendRow(table, Verb::kTruncate, nullptr, nullptr, false, false)) return failure;
  for (const RowChange& change : effect.in_order) {
    const bool insert = change.operation == Operation::kInsert;
    const Verb verb = insert ? Verb::kInsert : change.operation == Operation::kUpdate ? Verb::kUpdate : Verb::kDelete;
    if (!insert && change.old_tuple == nullptr)
      return ApplyFailure{Error{ErrorKind::kCorrupt, fmt::format("table {}: a change that does not say of which row", table.name)}, false};
    if (auto failure = SendRow(table, verb, verb == Verb::kDelete ? nullptr : change.new_tuple,
                               insert ? nullptr : change.old_tuple, false, guarded))
      return failure;
  }
  // Deletes make room for updates, and both for inserts.
  for (const NetRow* row : effect.deletes)
    if (auto failure = SendRow(table, Verb::kDelete, nullptr, row->old_key, false, guarded)) return failure;
  for (const NetRow* row : effect.updates)
    if (auto failure = SendRow(table, Verb::kUpdate, row->tuple, row->old_key, row->key_changed, guarded)) return failure;
  for (const std::byte* tuple : effect.inserts)
    if (auto failure = SendRow(table, Verb::kInsert, tuple, nullptr, false, guarded)) return failure;
  return {};
}

ApplyOutcome RowPipeline::SendGuard(const char* name, const char* sql, const std::vector<std::string>& parameters) {
  if (auto failure = Enter()) return failure;
  values_.clear();
  lengths_.assign(parameters.size(), 0);
  formats_.assign(parameters.size(), 0);
  types_.assign(parameters.size(), kTextType);
  for (const std::string& parameter : parameters) values_.push_back(parameter.c_str());
  if (!prepared_.contains(name)) {
    std::string server_name;
    if (auto failure = Prepare(sql, name, server_name, nullptr)) return failure;
  }
  return SendPrepared(prepared_.at(name), {Expect::kFence, nullptr});
}

// Reads one reply per statement, then the one of the synchronization.
ApplyOutcome RowPipeline::Drain() {
  ApplyOutcome first;
  const auto note = [&](ApplyFailure failure) {
    if (!first) first = std::move(failure);
  };
  for (const Sent& sent : sent_) {
    const PgResult result = connection_.NextResult();
    while (connection_.NextResult()) {
    }
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_PIPELINE_ABORTED) continue;
    const bool guard = sent.expect == Expect::kGuard || sent.expect == Expect::kFence;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      const bool fired = guard && SqlState(result.get()) == "22012";
      if (fired && sent.expect == Expect::kGuard)
        note(MissingRow(*sent.table));
      else if (fired)
        note({Error{ErrorKind::kConflict, "another process has opened the replica since we did", slu::kReplicaFenced}, false});
      else
        note(FailureOf(connection_, result.get(), sent.table));
      if (PQstatus(connection_.get()) == CONNECTION_BAD) return first;
    } else if (sent.expect == Expect::kOneRow && std::string_view(PQcmdTuples(result.get())) != "1") {
      note(MissingRow(*sent.table));
    }
  }
  const PgResult sync = connection_.NextResult();
  if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) {
    note(FailureOf(connection_, sync.get(), nullptr));  // The implicit commit itself failed.
    const PgResult after = connection_.NextResult();
  }
  return first;
}

ApplyOutcome RowPipeline::Finish(bool commits) {
  if (!active_) return {};
  ApplyOutcome outcome = PQpipelineSync(connection_.get()) == 1 ? Drain() : Lost();
  if (PQstatus(connection_.get()) == CONNECTION_BAD) {
    if (outcome && commits) outcome->error.kind = ErrorKind::kOutcomeUnknown;
    return outcome;
  }
  active_ = PQexitPipelineMode(connection_.get()) != 1;
  if (active_) return Lost();
  sent_.clear();
  if (outcome || prepared_.size() > kPreparedMax) {
    const Status forgotten = outcome ? Status() : ForgetStatements();
    if (!forgotten.ok()) return ApplyFailure{forgotten.error(), false};
    prepared_.clear();  // After a failure the later ones were never prepared; their names are not used again.
  }
  return outcome;
}

Status RowPipeline::ForgetStatements() {
  prepared_.clear();
  const auto done = connection_.Execute("DEALLOCATE ALL");
  return done.ok() ? Status() : done.error();
}

}  // namespace sluice
