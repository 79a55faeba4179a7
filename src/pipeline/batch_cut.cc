#include "pipeline/batch_cut.h"

#include <algorithm>

namespace sluice {

BatchCut CutAt(const ChangeBatchPtr& batch, Lsn barrier_lsn) {
  const auto& transactions = batch->transactions;
  const auto first_after =
      std::find_if(transactions.begin(), transactions.end(),
                   [&](const Transaction& transaction) { return transaction.commit_lsn >= barrier_lsn; });
  if (first_after == transactions.end())
    return {batch, batch->ends_transaction() && batch->end_lsn >= barrier_lsn, nullptr};
  if (first_after == transactions.begin()) return {nullptr, true, batch};

  // Both halves keep all bytes, so that offsets stay as they are; this happens once per verification.
  auto before = std::make_shared<ChangeBatch>(*batch);
  auto after = std::make_shared<ChangeBatch>(*batch);
  const auto count = static_cast<size_t>(first_after - transactions.begin());
  before->transactions.resize(count);
  before->changes.resize(first_after->first_change);
  before->end_lsn = before->transactions.back().end_lsn;
  before->source_time = {};  // The batch's speaks of its end.
  after->transactions.erase(after->transactions.begin(),
                            after->transactions.begin() + static_cast<ptrdiff_t>(count));
  return {std::move(before), true, std::move(after)};
}

}  // namespace sluice
