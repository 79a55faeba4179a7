#pragma once

#include "change/change_batch.h"

namespace sluice {

/// A batch around a barrier. Any side may be null.
struct BatchCut {
  ChangeBatchPtr before;
  bool barrier_here = false;
  ChangeBatchPtr after;
};

/// Cuts before the first transaction whose commit is at or after `barrier_lsn`. The barrier also stands here, at
/// the end, when the batch says that nothing before it is still to come. Copies only when it must divide. Pure.
BatchCut CutAt(const ChangeBatchPtr& batch, Lsn barrier_lsn);

}  // namespace sluice
