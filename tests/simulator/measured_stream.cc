#include "measured_stream.h"

#include <algorithm>

#include "coverage.h"

namespace sluice::simulator {

MeasuredStream::~MeasuredStream() {
  for (uint64_t i = 0; i < stream_->spilled_transactions(); ++i) Count(Event::kSpill);
}

Result<ChangeBatchPtr> MeasuredStream::Next(std::chrono::milliseconds wait_max) {
  CheckHeldBytes();
  Result<ChangeBatchPtr> batch = stream_->Next(wait_max);
  if (!batch.ok() || *batch == nullptr) return batch;
  largest_bytes_ = std::max(largest_bytes_, (*batch)->size_bytes());
  given_.push_back(*batch);
  return batch;
}

// A queue holds its limit, or one larger batch alone; beside them each sink works on one.
void MeasuredStream::CheckHeldBytes() {
  std::erase_if(given_, [](const auto& batch) { return batch.expired(); });
  size_t held = 0;
  for (const auto& batch : given_)
    if (const ChangeBatchPtr alive = batch.lock()) held += alive->size_bytes();
  const size_t queues = world_.destinations.size();
  if (held >= world_.queue_bytes_max) Count(Event::kQueueFull);
  const size_t limit = queues * (std::max<size_t>(world_.queue_bytes_max, largest_bytes_) + largest_bytes_);
  if (held > limit) Fail(fmt::format("the pipeline holds {} bytes, the limits of its queues allow {}", held, limit));
}

}  // namespace sluice::simulator
