#pragma once
// What people order for tables by name or glob, as requests.

#include "pipeline/status.h"
#include "pipeline/table_requests.h"

namespace sluice {

struct TableOrder {
  TableRequest::Kind kind = TableRequest::Kind::kCopyAgain;
  std::vector<std::string> globs;  ///< At least one.
  std::string sink;                ///< Empty: every sink.
};

/// No table of `tables` matches, and what is near.
Error NoSuchTable(const std::vector<std::string>& globs, const std::vector<TableName>& tables);

/// Error: kNeedsOperator (7007 no table matches, 9102 there is no such sink).
Result<std::vector<TableRequest>> RequestsFor(const TableOrder& order, const std::vector<TableName>& tables,
                                              const std::vector<std::string>& sinks);

}  // namespace sluice
