#include "catalog/name_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr size_t kAwsNameMax = 255;

bool IsAwsName(std::string_view name) {
  return !name.empty() && name.size() <= kAwsNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

Status Check(NameRules rules, std::string_view name, std::string_view what) {
  if (rules == NameRules::kProtocol || IsAwsName(name)) return Ok();
  return Error{ErrorKind::kNeedsOperator, fmt::format("Glue takes no {} of the name '{}': only lower-case letters, digits and underscores", what, name), slu::kRestName};
}

}  // namespace

Status CheckName(NameRules rules, const std::string& name_space) { return Check(rules, name_space, "namespace"); }

Status CheckName(NameRules rules, const TableIdentifier& table) {
  RETURN_IF_ERROR(CheckName(rules, table.name_space));
  return Check(rules, table.name, "table");
}

}  // namespace sluice
