#pragma once
// Which names a server's catalog takes, where that is less than what the protocol allows. Pure.

#include "base/result.h"
#include "catalog/catalog.h"

namespace sluice {

enum class NameRules {
  kProtocol,  ///< All.
  kAws,       ///< Of Glue and S3 Tables: one level of namespaces; lower-case letters, digits and underscores, 255 at most.
};

/// Error: kNeedsOperator (4148).
Status CheckName(NameRules rules, const std::string& name_space);
Status CheckName(NameRules rules, const TableIdentifier& table);

}  // namespace sluice
