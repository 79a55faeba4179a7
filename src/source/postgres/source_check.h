#pragma once
// What `sluice check` says about the source, and the SQL that gives sluice no more rights than it needs.

#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_definition.h"
#include "config/config.h"
#include "config/finding.h"

namespace sluice {

/// Looks at everything that must hold before `sluice run`; changes nothing. A source that cannot be reached is a
/// finding too (S001), not an error.
Findings CheckSource(const SourceConfig& source, const PipelineConfig& pipeline);

/// A script that an administrator runs once with psql: the role with LOGIN and REPLICATION, SELECT on exactly
/// these tables, and the publication. `role`: as in the DSN. Contains no password.
std::string PrivilegesSql(const SourceConfig& source, const std::string& role, const std::vector<TableDefinition>& tables);

/// The role that the DSN logs in as, or empty.
std::string RoleOf(const std::string& dsn);

}  // namespace sluice
