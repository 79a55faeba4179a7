#include "pipeline/sink_thread.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/failpoint.h"

namespace sluice {
namespace {

// How soon what people ask of a destination is begun.
constexpr std::chrono::milliseconds kAttendInterval{200};

SteadyTime Now() { return std::chrono::steady_clock::now(); }

Lsn StartOf(const Sink& sink) {
  SLUICE_CHECK(sink.bookmark().has_value());  // Every copy ends with one.
  return ResumeLsn(sink.bookmark()->position.lsn, sink.copied_tables());
}

// Nothing is known of the whole sink while a table of it catches up.
Timestamp VisibleUntil(const Sink& sink) {
  return StartOf(sink) < sink.bookmark()->position.lsn ? Timestamp{} : sink.bookmark()->source_time;
}

}  // namespace

SinkThread::SinkThread(Sink& sink, LogIdentity log, CommitPolicy policy, size_t queue_bytes_max,
                       SinkObserver& observer, std::function<void(Error)> on_failure)
    : sink_(sink), log_(std::move(log)), policy_(policy), observer_(observer), on_failure_(std::move(on_failure)),
      queue_(queue_bytes_max), durable_(StartOf(sink).value),
      schedule_(policy, StartOf(sink), VisibleUntil(sink), Now()) {}

SinkThread::~SinkThread() {
  Finish();
  Join();
}

void SinkThread::Start() {
  observer_.SinkMoved(sink_.name(), durable(), schedule_.visible_until(), 0);
  thread_ = std::thread([this] { Run(); });
}

QueueState SinkThread::Push(SinkItem& item, size_t size_bytes, std::chrono::milliseconds wait_max) {
  return queue_.Push(item, size_bytes, wait_max);
}

void SinkThread::Finish() {
  finishing_ = true;
  queue_.Close();
}

void SinkThread::Join() {
  if (thread_.joinable()) thread_.join();
}

void SinkThread::Run() {
  Status worked = WorkUntilClosed();
  if (worked.ok()) return;
  sink_.LetGo();
  queue_.Close();
  std::optional<SinkItem> item;
  while (queue_.Pop(item, std::chrono::milliseconds(0)) == QueueState::kDone)
    if (auto* barrier = std::get_if<std::shared_ptr<Barrier>>(&*item)) (*barrier)->Fail(worked.error());
  on_failure_(std::move(worked).error());
}

Status SinkThread::WorkUntilClosed() {
  for (;;) {
    std::optional<SinkItem> item;
    const std::chrono::milliseconds wait_max = schedule_.WaitMax(Now());
    const QueueState state = queue_.Pop(item, sink_.attends() ? std::min(wait_max, kAttendInterval) : wait_max);
    if (state == QueueState::kClosed) return schedule_.CanCommit() ? Commit() : Ok();
    if (state == QueueState::kDone) RETURN_IF_ERROR(Take(*item));
    if (schedule_.Due(Now(), queue_.empty(), sink_.uncommitted_bytes())) RETURN_IF_ERROR(Commit());
    if (sink_.attends()) RETURN_IF_ERROR(sink_.Attend());
  }
}

Status SinkThread::Take(const SinkItem& item) {
  if (const auto* batch = std::get_if<ChangeBatchPtr>(&item)) return TakeBatch(*batch);
  Barrier& barrier = *std::get<std::shared_ptr<Barrier>>(item);
  Status taken = TakeBarrier(barrier);
  if (!taken.ok()) barrier.Fail(taken.error());
  return taken;
}

Status SinkThread::TakeBatch(const ChangeBatchPtr& batch) {
  if (schedule_.Covers(*batch)) return Ok();
  // A transaction in parts can't be committed before its end, which may be far away or never come.
  const bool starts_parts = !schedule_.in_transaction() && !batch->ends_transaction();
  const bool commit_first = policy_.commit_interval.count() == 0 || finishing_.load();
  if (starts_parts && commit_first && schedule_.dirty() && schedule_.CanCommit()) RETURN_IF_ERROR(Commit());
  if (!batch->transactions.empty()) RETURN_IF_ERROR(sink_.Write(batch));
  const bool was_dirty = schedule_.dirty();
  schedule_.Wrote(*batch, Now());
  if (!was_dirty && !schedule_.dirty()) observer_.SinkMoved(sink_.name(), durable(), schedule_.visible_until(), 0);
  return Ok();
}

Status SinkThread::TakeBarrier(Barrier& barrier) {
  SLUICE_CHECK(!schedule_.in_transaction());  // The reader puts barriers between transactions.
  if (schedule_.CanCommit()) RETURN_IF_ERROR(Commit());
  ASSIGN_OR_RETURN(auto view, sink_.View());
  SLUICE_FAILPOINT("pipeline.barrier_view");
  CopiedTables comparable = sink_.copied_tables();
  std::erase_if(comparable, [](const auto& entry) { return entry.second.catching_up_from.has_value(); });
  barrier.Arrive({std::string(sink_.name()), std::move(comparable), std::move(view), sink_.held_tables()});
  SinkHold* const hold = barrier.HoldOf(sink_.name());
  return hold == nullptr ? Ok() : StandStill(*hold);
}

// What is put right becomes visible with the same bookmark as before: the stream goes on behind it.
Status SinkThread::StandStill(SinkHold& hold) {
  const std::vector<RowRepair> repairs = hold.Await([this] { return finishing_.load(); });
  if (repairs.empty()) return Ok();
  bool refused = false;
  Status repaired = PutRight(repairs, refused);
  hold.Done(repaired);  // Whatever came of it: somebody waits.
  return refused ? Ok() : repaired;
}

Status SinkThread::PutRight(const std::vector<RowRepair>& repairs, bool& refused) {
  SLUICE_FAILPOINT("pipeline.before_repair");
  Status repaired = sink_.Repair(repairs);
  refused = !repaired.ok() && repaired.error().kind == ErrorKind::kNeedsOperator;
  RETURN_IF_ERROR(std::move(repaired));
  const Bookmark bookmark = *sink_.bookmark();
  Status committed = sink_.Commit(bookmark.position, bookmark.source_time);
  SLUICE_FAILPOINT("pipeline.after_repair");
  return committed;
}

Status SinkThread::Commit() {
  SLUICE_FAILPOINT("pipeline.before_sink_commit");
  RETURN_IF_ERROR(sink_.Commit({log_, schedule_.lsn()}, schedule_.source_time()));
  SLUICE_FAILPOINT("pipeline.after_sink_commit");
  const uint64_t changes = schedule_.changes();
  schedule_.Committed(Now());
  durable_.store(schedule_.bookmark().value);
  observer_.SinkMoved(sink_.name(), durable(), schedule_.visible_until(), changes);
  return Ok();
}

}  // namespace sluice
