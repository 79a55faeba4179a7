#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace sluice {

Status RunParallel(const std::vector<std::function<Status()>>& tasks, size_t threads) {
  std::vector<Status> results(tasks.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    for (size_t i = next++; i < tasks.size() && !failed; i = next++) {
      results[i] = tasks[i]();
      if (!results[i].ok()) failed = true;
    }
  };
  {
    std::vector<std::jthread> workers;
    for (size_t i = 1; i < std::min(threads, tasks.size()); ++i) workers.emplace_back(work);
    work();
  }
  for (Status& result : results) RETURN_IF_ERROR(std::move(result));
  return Ok();
}

}  // namespace sluice
