#pragma once

#include <map>
#include <vector>

#include "sink/lake/lake_orders.h"
#include "sink/lake/table_figures.h"

namespace sluice {

/// What a lake's sink is at for somebody, from one step to the next.
struct LakeWork {
  LakeOrder order;
  std::vector<TableName> tables;  ///< To be worked on, in order.
  size_t next = 0;                ///< Of those: the first that is not done.
  size_t asked = 0;               ///< Of those: so many are in the maintenance thread's hands.
  LakeReport report;
  std::map<TableName, FileFigures> before;  ///< Of compaction.
};

}  // namespace sluice
