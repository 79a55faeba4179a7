#pragma once
// What the configuration says of each table, before any table is looked at.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "change/table_schema.h"
#include "config/mapping_config.h"

namespace sluice::mapping {

/// All that applies to one table, by the source's column names.
struct TableRules {
  std::set<std::string> excluded;
  std::map<std::string, std::string> renamed;
  std::map<std::string, MaskConfig> masked;
  std::vector<ConditionConfig> where;
  std::set<std::string> named_exactly;  ///< Columns that a mapping of this table alone names: they must exist.
  /// Differs with everything above but named_exactly; 0 where there is nothing.
  uint32_t fingerprint = 0;

  bool touches_rows() const { return fingerprint != 0; }
  /// What leaves the process only masked or not at all, or decides about that.
  bool guards(const std::string& column) const;
};

/// Immutable.
class MappingRules {
 public:
  explicit MappingRules(MappingConfig config) : config_(std::move(config)) {}

  bool empty() const { return config_.empty(); }
  const MappingConfig& config() const { return config_; }

  TableName TargetOf(const TableName& source) const;
  /// The namespace that a table of `name_space` goes to where nothing is said of the table itself.
  std::string NamespaceOf(const std::string& name_space) const;
  /// Every name of the source that would have this target; none of a target that was made under another mapping.
  std::vector<TableName> SourcesOf(const TableName& target) const;
  TableRules RulesFor(const TableName& source) const;

  /// The source table's OID with the fingerprint in it: under another mapping it is another table, whose rows
  /// nobody has copied. Its own inverse.
  Oid MixOid(const TableName& source, Oid oid) const { return oid ^ RulesFor(source).fingerprint; }

 private:
  MappingConfig config_;
};

/// "namespace.table" cut at its first dot.
TableName ParseTableName(const std::string& text);

}  // namespace sluice::mapping
