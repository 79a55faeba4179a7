#pragma once
// Which rows a sink takes.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "change/table_schema.h"
#include "config/mapping_config.h"
#include "sink/mapping/scalar.h"

namespace sluice::mapping {

/// One condition on the values of one column.
class Condition {
 public:
  /// nullopt: the column's type cannot be compared so, or with such a value.
  static std::optional<Condition> For(const ConditionConfig& config, size_t column, const Type* type);

  size_t column() const { return column_; }
  /// Whether the row is taken. nullopt: the value contradicts its type. The value is not unchanged.
  std::optional<bool> Holds(const Value& value, std::string& scratch) const;

 private:
  Comparator comparator_ = Comparator::kEqual;
  ScalarKind kind_ = ScalarKind::kOther;
  size_t column_ = 0;
  std::vector<Literal> literals_;
  std::vector<std::string> labels_;  ///< Of an enum whose order counts.
};

enum class Verdict { kTaken, kLeft, kUnknown, kMalformed };

/// Whether all conditions hold of a row. `values`: of all its columns; unchanged ones are looked up in `fallback`
/// where that is not empty. kUnknown: a value that decides was not sent.
Verdict Judge(const std::vector<Condition>& conditions, std::span<const Value> values, std::span<const Value> fallback, std::string& scratch);

}  // namespace sluice::mapping
