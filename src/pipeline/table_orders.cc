#include "pipeline/table_orders.h"

#include <fmt/format.h>

#include <algorithm>

#include "change/table_glob.h"
#include "config/did_you_mean.h"
#include "observability/error_catalog.h"

namespace sluice {

Error NoSuchTable(const std::vector<std::string>& globs, const std::vector<TableName>& tables) {
  Error error{ErrorKind::kNeedsOperator, fmt::format("no table matches {}", fmt::join(globs, " ")), slu::kVerifyNoSuchTable};
  for (const std::string& glob : globs) {
    const bool bare = glob.find('.') == std::string::npos;
    std::vector<std::string> names;
    for (const TableName& table : tables) names.push_back(bare ? table.name : ToString(table));
    if (const auto meant = DidYouMean(glob, names)) error.fix.push_back(fmt::format("did you mean {}?", *meant));
  }
  if (!error.fix.empty()) error.fix.push_back("see their names: sluice tables");
  return error;
}

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
  if (requests.empty()) return NoSuchTable(order.globs, tables);
  return requests;
}

}  // namespace sluice
