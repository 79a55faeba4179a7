#include "sink/mapping/row_filter.h"

#include <algorithm>

#include "sink/mapping/numeric.h"

namespace sluice::mapping {
namespace {

bool IsOrdering(Comparator comparator) {
  return comparator == Comparator::kLess || comparator == Comparator::kLessOrEqual || comparator == Comparator::kGreater || comparator == Comparator::kGreaterOrEqual;
}

int CompareNumbers(int64_t a, int64_t b) { return a < b ? -1 : a > b ? 1 : 0; }

int Compare(ScalarKind kind, const Scalar& value, const Literal& literal) {
  if (IsNumber(kind)) return CompareNumbers(value.number, literal.number);
  if (kind == ScalarKind::kNumeric) return CompareNumeric(value.text, literal.text);
  return value.text.compare(literal.text);
}

bool Satisfies(Comparator comparator, int order) {
  switch (comparator) {
    case Comparator::kEqual:
    case Comparator::kIn: return order == 0;
    case Comparator::kNotEqual: return order != 0;
    case Comparator::kLess: return order < 0;
    case Comparator::kLessOrEqual: return order <= 0;
    case Comparator::kGreater: return order > 0;
    case Comparator::kGreaterOrEqual: return order >= 0;
    case Comparator::kIsNull:
    case Comparator::kIsNotNull: break;
  }
  return false;
}

}  // namespace

std::optional<Condition> Condition::For(const ConditionConfig& config, size_t column, const Type* type) {
  Condition condition;
  condition.comparator_ = config.comparator;
  condition.column_ = column;
  condition.kind_ = KindOf(type);
  if (config.comparator == Comparator::kIsNull || config.comparator == Comparator::kIsNotNull) return condition;
  // The order of texts is their collation's, which only the server knows.
  if (type == nullptr || (IsOrdering(config.comparator) && IsTextLike(condition.kind_))) return std::nullopt;
  for (const std::string& value : config.values) {
    auto literal = ParseLiteral(condition.kind_, *type, value);
    if (!literal) return std::nullopt;
    condition.literals_.push_back(std::move(*literal));
  }
  if (condition.kind_ == ScalarKind::kEnum && IsOrdering(config.comparator)) condition.labels_ = BaseOf(*type).labels;
  return condition;
}

std::optional<bool> Condition::Holds(const Value& value, std::string& scratch) const {
  const bool null = value.kind == ValueKind::kNull;
  if (comparator_ == Comparator::kIsNull || comparator_ == Comparator::kIsNotNull) return null == (comparator_ == Comparator::kIsNull);
  if (null) return false;
  Scalar scalar;
  if (!Decode(kind_, value, scratch, scalar)) return std::nullopt;
  if (!labels_.empty()) {
    const auto label = std::find(labels_.begin(), labels_.end(), scalar.text);
    return label != labels_.end() && Satisfies(comparator_, CompareNumbers(label - labels_.begin(), literals_.front().number));
  }
  return std::any_of(literals_.begin(), literals_.end(), [&](const Literal& literal) { return Satisfies(comparator_, Compare(kind_, scalar, literal)); });
}

Verdict Judge(const std::vector<Condition>& conditions, std::span<const Value> values, std::span<const Value> fallback, std::string& scratch) {
  for (const Condition& condition : conditions) {
    const Value* value = &values[condition.column()];
    if (value->kind == ValueKind::kUnchanged && !fallback.empty()) value = &fallback[condition.column()];
    if (value->kind == ValueKind::kUnchanged) return Verdict::kUnknown;
    const std::optional<bool> holds = condition.Holds(*value, scratch);
    if (!holds) return Verdict::kMalformed;
    if (!*holds) return Verdict::kLeft;
  }
  return Verdict::kTaken;
}

}  // namespace sluice::mapping
