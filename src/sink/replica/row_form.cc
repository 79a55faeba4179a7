#include "sink/replica/row_form.h"

#include <fmt/format.h>

#include <algorithm>

#include "sink/replica/destination_table.h"

namespace sluice {
namespace {

constexpr Oid kMoney = 790;

// Whether the text of a value depends on the database that prints it.
bool DependsOnDatabase(const Type& type) {
  if (IsObjectNumber(type) || BaseOf(type).oid == kMoney) return true;
  if (type.element && DependsOnDatabase(*type.element)) return true;
  return std::any_of(type.fields.begin(), type.fields.end(),
                     [](const CompositeField& field) { return !field.type || DependsOnDatabase(*field.type); });
}

}  // namespace

RowForm ReplicaRowForm(const TableSchema& schema) {
  RowForm form;
  form.identity = schema.key;
  for (const Column& column : schema.columns) {
    ColumnForm& made = form.columns.emplace_back();
    const Type& base = BaseOf(*column.type);
    if (IsObjectNumber(base)) {
      made.value = ValueForm::kObjectNumber;
    } else if (base.oid == kMoney) {
      made.value = ValueForm::kMoney;
    } else if (base.kind == TypeKind::kArray && base.element && IsObjectNumber(*base.element)) {
      made = {ValueForm::kObjectNumber, false, true};
    } else if (DependsOnDatabase(base)) {
      form.unfit = fmt::format("how column {} prints depends on the database", column.name);
    }
  }
  return form;
}

}  // namespace sluice
