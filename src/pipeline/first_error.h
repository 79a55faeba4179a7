#pragma once

#include <mutex>

#include "base/result.h"

namespace sluice {

/// Of all threads' failures the one that came first; "cancelled" is a consequence, so anything else outranks it.
/// Thread-safe.
class FirstError {
 public:
  void Offer(Error error) {
    const std::lock_guard lock(mutex_);
    const bool better = status_.ok() || (status_.error().kind == ErrorKind::kCancelled &&
                                         error.kind != ErrorKind::kCancelled);
    if (better) status_ = std::move(error);
  }

  Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  mutable std::mutex mutex_;
  Status status_;
};

}  // namespace sluice
