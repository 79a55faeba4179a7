#include "sink/lake/row_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sink/lake/pg_type_oid.h"
#include "sink/lake/text_writer.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

// Whether to_json prints a value of this type, inside a composite, as our text writer does.
bool HasServersJson(const Type& type) {
  if (!type.has_binary || IsVector(type)) return false;
  switch (type.kind) {
    case TypeKind::kEnum: return true;
    case TypeKind::kDomain:
    case TypeKind::kArray: return type.element && HasServersJson(*type.element);
    case TypeKind::kComposite:
      return std::all_of(type.fields.begin(), type.fields.end(),
                         [](const CompositeField& field) { return field.type && HasServersJson(*field.type); });
    case TypeKind::kRange:
    case TypeKind::kMultirange:
    case TypeKind::kBase: break;
  }
  // An extension's type may have a cast to json of its own.
  const bool builtin = type.extension.empty() || type.extension == "citext";
  return builtin && LossOfText(type) == Loss::kNone && MakeTextWriter(type)->writes_server_text();
}

std::optional<ColumnForm> FormOfText(const Type& type) {
  if (!type.has_binary || IsPlainText(type)) return ColumnForm{};  // Comes as text, and stays so.
  if (type.kind == TypeKind::kComposite) return HasServersJson(type) ? std::optional(ColumnForm{ValueForm::kJson}) : std::nullopt;
  if (LossOfText(type) == Loss::kOidAsNumber) return ColumnForm{ValueForm::kObjectNumber};
  if (LossOfText(type) == Loss::kUnknownBinary || !MakeTextWriter(type)->writes_server_text()) return std::nullopt;
  return ColumnForm{};
}

std::optional<ColumnForm> FormOfBase(const Type& type, int32_t typmod) {
  switch (type.oid) {
    case pg::kMoney: return ColumnForm{ValueForm::kMoney};
    case pg::kDate:
    case pg::kTimestamp:
    case pg::kTimestamptz: return ColumnForm{ValueForm::kOrdinaryYear};
    case pg::kNumeric: {
      NumericShape shape;
      return ColumnForm{FitsDecimal(typmod, shape) ? ValueForm::kFinite : ValueForm::kServerText};
    }
    case pg::kBool:
    case pg::kInt2:
    case pg::kInt4:
    case pg::kInt8:
    case pg::kOid:
    case pg::kXid:
    case pg::kCid:
    case pg::kFloat4:
    case pg::kFloat8:
    case pg::kXid8:
    case pg::kBytea:
    case pg::kUuid: return ColumnForm{};
    default: return FormOfText(type);
  }
}

std::optional<ColumnForm> FormOf(const Type& type, int32_t typmod, const iceberg::Type& held) {
  if (IsVector(type)) return ColumnForm{};
  if (type.kind == TypeKind::kBase) return FormOfBase(type, typmod);
  if (type.kind == TypeKind::kDomain && type.element) return FormOf(*type.element, type.element_typmod, held);
  if (type.kind != TypeKind::kArray || !type.element || !type.has_binary) return FormOfText(type);
  if (held.id != iceberg::TypeId::kList) return HasServersJson(type) ? std::optional(ColumnForm{ValueForm::kJson}) : std::nullopt;
  std::optional<ColumnForm> element = FormOf(*type.element, typmod, held.fields.front().type);
  if (!element || element->list) return std::nullopt;
  element->list = true;
  return element;
}

}  // namespace

RowForm LakeRowForm(const LakeSchema& schema) {
  RowForm form;
  form.identity = schema.source->key;
  for (size_t i = 0; i < schema.source_columns(); ++i) {
    const Column& column = schema.source->columns[i];
    const std::optional<ColumnForm> made = FormOf(*column.type, column.typmod, schema.iceberg.fields[i].type);
    form.columns.push_back(made.value_or(ColumnForm{}));
    if (!made) form.unfit = fmt::format("the lake holds column {} in a form that the server does not print", column.name);
  }
  return form;
}

}  // namespace sluice
