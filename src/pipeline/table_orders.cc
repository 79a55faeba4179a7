#include "pipeline/table_orders.h"

#include <fmt/format.h>

#include <algorithm>

#include "observability/error_catalog.h"
#include "change/table_glob.h"

namespace sluice {

Result<std::vector<TableRequest>> RequestsFor(const TableOrder& order, const std::vector<TableName>& tables,
                                              const std::vector<std::string>& sinks) {
  if (!order.sink.empty() && std::find(sinks.begin(), sinks.end(), order.sink) == sinks.end())
    return Error{ErrorKind::kNeedsOperator, fmt::format("there is no sink \"{}\"; there are: {}", order.sink, fmt::join(sinks, ", ")), slu::kNoSuchSink};
  std::vector<TableRequest> requests;
  for (const TableName& table : tables) {
    if (order.globs.empty() || !MatchesAny(order.globs, ToString(table))) continue;
    TableRequest& request = requests.emplace_back(TableRequest{order.kind, table, order.sink});
    if (order.kind == TableRequest::Kind::kHold) request.why = {0, slu::kTableHeldByHand, "sluice skip was asked for", {}};
  }
  if (requests.empty()) return Error{ErrorKind::kNeedsOperator, fmt::format("no table matches {}", fmt::join(order.globs, " ")), slu::kVerifyNoSuchTable};
  return requests;
}

}  // namespace sluice
