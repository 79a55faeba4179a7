#include "sink/lake/garbage.h"

#include "observability/log.h"

namespace sluice {

void Garbage::Add(std::vector<std::string> uris) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point due = Clock::now() + grace_;
  for (std::string& uri : uris) waiting_.emplace_back(due, std::move(uri));
  size_t forgotten = 0;
  for (; waiting_.size() > kHeldMax; ++forgotten) waiting_.pop_front();
  if (forgotten > 0) log::Warn("lake", "lake.garbage_forgotten", "too many files wait for deletion", {{"files", std::to_string(forgotten)}});
}

void Garbage::Collect(size_t count_max) {
  for (size_t i = 0; i < count_max; ++i) {
    std::string uri;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty() || waiting_.front().first > Clock::now()) return;
      uri = std::move(waiting_.front().second);
      waiting_.pop_front();
    }
    if (const Status removed = store_.Remove(uri); !removed.ok()) {
      log::Warn("lake", "lake.delete_failed", removed.error().message);
      return Add({std::move(uri)});
    }
  }
}

size_t Garbage::size() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace sluice
