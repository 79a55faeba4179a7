#pragma once

#include <functional>
#include <vector>

#include "base/result.h"

namespace sluice {

/// Runs all tasks on up to `threads` threads (the caller's included) and waits for them. The first error in their
/// order; tasks that have not begun by then are left out.
Status RunParallel(const std::vector<std::function<Status()>>& tasks, size_t threads);

}  // namespace sluice
