#include "sink/mapping/mapping_rules.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "sink/mapping/hmac.h"

namespace sluice::mapping {
namespace {

bool Fits(const std::string& pattern, const std::string& name) {
  if (pattern == name) return true;
  return IsGlob(pattern) && fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

// With lengths, so that no two differ only in where one ends and the next begins.
void Add(std::string& text, std::string_view part) { text += fmt::format("{}:{};", part.size(), part); }

std::string Describe(const MaskConfig& mask) {
  const Digest salt = Sha256(mask.salt);
  std::string text = fmt::format("{}/{}/{}/{}/{}/", static_cast<int>(mask.kind), mask.keep_first, mask.keep_last,
                                 mask.unit ? static_cast<int>(*mask.unit) : -1, mask.width);
  return text.append(salt.begin(), salt.end());
}

// Must not change between versions of the program: every table would be copied again.
uint32_t FingerprintOf(const TableRules& rules) {
  if (rules.excluded.empty() && rules.renamed.empty() && rules.masked.empty() && rules.where.empty()) return 0;
  std::string text;
  for (const std::string& column : rules.excluded) Add(text, column);
  text += '|';
  for (const auto& [from, to] : rules.renamed) Add(text, from), Add(text, to);
  text += '|';
  for (const auto& [column, mask] : rules.masked) Add(text, column), Add(text, Describe(mask));
  text += '|';
  for (const ConditionConfig& condition : rules.where) {
    Add(text, condition.column);
    Add(text, std::to_string(static_cast<int>(condition.comparator)));
    for (const std::string& value : condition.values) Add(text, value);
    text += '/';
  }
  const Digest digest = Sha256(text);
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number = number << 8 | digest[i];
  return std::max<uint32_t>(number, 1);
}

}  // namespace

bool TableRules::guards(const std::string& column) const {
  return excluded.contains(column) || masked.contains(column) ||
         std::any_of(where.begin(), where.end(), [&](const ConditionConfig& condition) { return condition.column == column; });
}

TableName ParseTableName(const std::string& text) {
  const size_t dot = text.find('.');
  return {text.substr(0, dot), dot == std::string::npos ? "" : text.substr(dot + 1)};
}

std::string MappingRules::NamespaceOf(const std::string& name_space) const {
  for (const NamespaceMappingConfig& mapping : config_.namespaces)
    if (mapping.from == name_space) return mapping.to;
  return name_space;
}

TableName MappingRules::TargetOf(const TableName& source) const {
  const std::string name = ToString(source);
  for (const TableMappingConfig& table : config_.tables)
    if (table.to && table.table == name) return ParseTableName(*table.to);
  return {NamespaceOf(source.name_space), source.name};
}

std::vector<TableName> MappingRules::SourcesOf(const TableName& target) const {
  std::vector<TableName> sources;
  const auto add = [&](TableName source) {
    if (TargetOf(source) == target && std::find(sources.begin(), sources.end(), source) == sources.end()) sources.push_back(std::move(source));
  };
  for (const TableMappingConfig& table : config_.tables)
    if (table.to && ParseTableName(*table.to) == target) add(ParseTableName(table.table));
  for (const NamespaceMappingConfig& mapping : config_.namespaces)
    if (mapping.to == target.name_space) add({mapping.from, target.name});
  add(target);
  return sources;
}

TableRules MappingRules::RulesFor(const TableName& source) const {
  TableRules rules;
  const std::string name = ToString(source);
  for (const TableMappingConfig& table : config_.tables) {
    if (!Fits(table.table, name)) continue;
    rules.excluded.insert(table.exclude.begin(), table.exclude.end());
    rules.renamed.insert(table.rename.begin(), table.rename.end());
    rules.masked.insert(table.mask.begin(), table.mask.end());
    rules.where.insert(rules.where.end(), table.where.begin(), table.where.end());
    if (IsGlob(table.table)) continue;
    rules.named_exactly.insert(table.exclude.begin(), table.exclude.end());
    for (const auto& [column, to] : table.rename) rules.named_exactly.insert(column);
    for (const auto& [column, mask] : table.mask) rules.named_exactly.insert(column);
    for (const ConditionConfig& condition : table.where) rules.named_exactly.insert(condition.column);
  }
  rules.fingerprint = FingerprintOf(rules);
  return rules;
}

}  // namespace sluice::mapping
