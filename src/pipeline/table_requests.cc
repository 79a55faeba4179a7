#include "pipeline/table_requests.h"

#include <fmt/format.h>

#include "change/table_error.h"
#include "observability/error_catalog.h"
#include "observability/log.h"

namespace sluice {

namespace {

Status Follow(const TableRequest& request, const TableDefinition* table, Sink& sink) {
  const bool all = request.kind == TableRequest::Kind::kFollow;
  if (table == nullptr || !sink.copied_tables().contains(request.table)) return Ok();
  if (all && request.fingerprint != ToText(table->fingerprint)) return Ok();  // Changed again: it will be noticed again.
  const Status followed = sink.Follow(*table, all ? FollowExtent::kAll : FollowExtent::kLoosen);
  if (followed.ok()) {
    log::Info("pipeline", "table.followed", "the table is like the source's again", {{"table", ToString(request.table)}, {"sink", std::string(sink.name())}});
    return Ok();
  }
  if (!TableOf(followed.error())) return followed;
  log::Warn("pipeline", "table.copied_again", followed.error().message + ", so the table is copied again",
            {{"table", ToString(request.table)}, {"sink", std::string(sink.name())}});
  return sink.Forget(request.table);
}

}  // namespace

Status CarryOut(const TableRequest& request, const TableDefinition* table, Sink& sink) {
  switch (request.kind) {
    case TableRequest::Kind::kCopyAgain: return sink.Forget(request.table);
    case TableRequest::Kind::kLoosen:
    case TableRequest::Kind::kFollow: return Follow(request, table, sink);
    case TableRequest::Kind::kHold: break;
  }
  HeldTable why = request.why;
  if (table != nullptr) why.oid = table->schema->oid;  // Another table under its name, one day, is not held.
  if (sink.bookmark()) why.lsn = sink.bookmark()->position.lsn;
  RETURN_IF_ERROR(sink.Hold(request.table, why));
  log::Error("pipeline", "table.held", why.reason,
             {{"table", ToString(request.table)}, {"sink", std::string(sink.name())}, {"code", fmt::format("SLU-{}", why.code)}});
  return Ok();
}

void TableRequests::Ask(TableRequest request) {
  const std::lock_guard lock(mutex_);
  std::erase_if(tried_, [&](const auto& entry) { return entry.first.second == request.table; });
  if (pending_.size() < kPendingMax) pending_.push_back(std::move(request));
}

void TableRequests::AskDue(std::vector<TableRequest> due) {
  const std::lock_guard lock(mutex_);
  for (TableRequest& request : due)
    if (pending_.size() < kPendingMax) pending_.push_back(std::move(request));
}

bool TableRequests::AskRemedy(const Error& error, Lsn durable, std::chrono::steady_clock::time_point now) {
  const std::optional<TableName> table = TableOf(error);
  const bool lasting = error.kind == ErrorKind::kNeedsOperator || error.kind == ErrorKind::kCorrupt;
  if (!table || !lasting) return false;
  const std::lock_guard lock(mutex_);
  Tried& tried = tried_[{error.sink, *table}];
  if (now - tried.last_copy > kCopiesCounted) tried.copies = 0;
  const bool other_columns = error.code == slu::kLakeSchemaChanged || error.code == slu::kReplicaSchemaChanged;
  const bool value_refused = error.code == slu::kReplicaValueRefused;
  const bool row_refused = value_refused || error.code == slu::kReplicaRowRefused || error.code == slu::kReplicaRowConflict;
  // Values of another form than the table had at the start, of a label that has got another name: no message tells it.
  const bool other_values = error.kind == ErrorKind::kCorrupt || (value_refused && tried.loosened_at == durable);
  if ((other_columns || other_values) && tried.copies < kCopiesMax) {
    ++tried.copies;
    tried.last_copy = now;
    log::Warn("pipeline", "table.copied_again", error.message + ", so the table is copied again", {{"table", ToString(*table)}, {"sink", error.sink}});
    pending_.push_back({TableRequest::Kind::kCopyAgain, *table, error.sink});
    return true;
  }
  if (row_refused && tried.loosened_at != durable) {
    tried.loosened_at = durable;
    pending_.push_back({TableRequest::Kind::kLoosen, *table, error.sink});
    return true;
  }
  pending_.push_back({TableRequest::Kind::kHold, *table, error.sink,
                      {0, EntryOf(error).code, error.evidence.empty() ? error.message : error.message + " (" + error.evidence + ")", {}}, /*after_failure=*/true});
  return true;
}

bool TableRequests::pending() const {
  const std::lock_guard lock(mutex_);
  return !pending_.empty();
}

std::vector<TableRequest> TableRequests::Pending() const {
  const std::lock_guard lock(mutex_);
  return pending_;
}

void TableRequests::Done(size_t count) {
  const std::lock_guard lock(mutex_);
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(std::min(count, pending_.size())));
  done_.notify_all();
}

Status TableRequests::WaitUntilDone(std::chrono::milliseconds wait_max) {
  std::unique_lock lock(mutex_);
  if (done_.wait_for(lock, wait_max, [&] { return pending_.empty(); })) return Ok();
  return Error{ErrorKind::kUnavailable, "what was asked is noted, but not carried out yet", slu::kRequestWaits};
}

}  // namespace sluice
