#include "sink/lake/input_text.h"

#include <algorithm>
#include <optional>

#include "change/row_text.h"
#include "sink/lake/cell_text.h"
#include "sink/lake/json_parts.h"
#include "sink/lake/pg_type_oid.h"
#include "sink/lake/text_forms.h"
#include "sink/lake/text_writer.h"
#include "sink/lake/type_map.h"
#include "sink/lake/value_text.h"

namespace sluice {
namespace {

bool IsJson(const Type& type) { return type.oid == pg::kJson || type.oid == pg::kJsonb; }

// What text_writer.cc holds as JSON.
bool IsHeldAsJson(const Type& type) {
  return type.has_binary && !IsVector(type) && (type.kind == TypeKind::kArray || type.kind == TypeKind::kComposite);
}

// An object that was made at the source has another number elsewhere, or is not there.
bool AppendObjectNumber(std::string_view number, std::string& out) {
  uint32_t oid = 0;
  if (!text::ParseInteger(number, oid) || oid >= kFirstPrivateOid) return false;
  out.append(number);
  return true;
}

bool AppendJson(std::string_view json, const Type& type, std::string& out, int nesting);

// {"1",NULL,{…}}: braces within are a further dimension, unless the elements are themselves written with brackets.
bool AppendJsonArray(std::string_view json, const Type& element, char delimiter, std::string& out, int nesting) {
  if (nesting > kTextNestingMax) return false;
  const Type& base = BaseOf(element);
  const bool brackets_are_items = IsJson(base) || IsHeldAsJson(base);
  text::JsonParts parts(json);
  if (!parts.is_array()) return false;
  std::string item;
  out.push_back('{');
  for (bool first = true; parts.Next(); first = false) {
    if (!first) out.push_back(delimiter);
    if (parts.value() == "null") {
      out.append("NULL");
    } else if (parts.value().front() == '[' && !brackets_are_items) {
      if (!AppendJsonArray(parts.value(), element, delimiter, out, nesting + 1)) return false;
    } else {
      item.clear();
      if (!AppendJson(parts.value(), element, item, nesting + 1)) return false;
      text::AppendQuoted(item, out);
    }
  }
  out.push_back('}');
  return parts.at_end();
}

bool AppendJsonRecord(std::string_view json, const Type& type, std::string& out, int nesting) {
  text::JsonParts parts(json);
  if (!parts.is_object()) return false;
  RowText row;
  std::string field;
  for (const CompositeField& of : type.fields) {
    if (!parts.Next()) return false;
    field.clear();
    const bool is_null = parts.value() == "null";
    if (!is_null && !AppendJson(parts.value(), *of.type, field, nesting + 1)) return false;
    row.Add(is_null ? std::nullopt : std::optional<std::string_view>(field));
  }
  if (parts.Next() || !parts.at_end()) return false;  // The type had more fields then.
  out.append(row.Finish());
  return true;
}

bool AppendJson(std::string_view json, const Type& type, std::string& out, int nesting) {
  if (nesting > kTextNestingMax) return false;
  const Type& base = BaseOf(type);
  if (IsJson(base)) return out.append(json), true;
  if (IsHeldAsJson(base)) {
    if (base.kind == TypeKind::kArray) return AppendJsonArray(json, *base.element, base.array_delimiter, out, nesting);
    return AppendJsonRecord(json, base, out, nesting);
  }
  std::string text;
  if (json.starts_with('"')) {
    if (!text::UnquoteJson(json, text)) return false;
    json = text;
  }
  if (LossOfText(base) == Loss::kOidAsNumber) return AppendObjectNumber(json, out);
  out.append(json);
  return true;
}

bool AppendList(const Cell& cell, const Type& element, char delimiter, const iceberg::Type& held, std::string& out) {
  std::string item;
  out.push_back('{');
  for (size_t i = 0; i < cell.items.size(); ++i) {
    if (i > 0) out.push_back(delimiter);
    if (cell.items[i].is_null()) {
      out.append("NULL");
      continue;
    }
    item.clear();
    if (!AppendInputText(cell.items[i], element, held, item)) return false;
    text::AppendQuoted(item, out);
  }
  out.push_back('}');
  return true;
}

std::string WhyNot(const Type& type, int nesting) {
  if (nesting > kTextNestingMax) return "it nests too deeply";
  const Type& base = BaseOf(type);
  if (base.kind == TypeKind::kComposite && base.has_binary) {
    for (const CompositeField& field : base.fields) {
      if (!field.type) return "a field's type is not known";
      if (std::string why = WhyNot(*field.type, nesting + 1); !why.empty()) return why;
    }
    return {};
  }
  if (base.kind == TypeKind::kArray && IsHeldAsJson(base) && base.element) return WhyNot(*base.element, nesting + 1);
  return LossOfText(base) == Loss::kUnknownBinary ? "the lake holds its values in the form that only " + base.name + " itself reads" : std::string();
}

}  // namespace

std::string WhyNoInputText(const Type& type) { return WhyNot(type, 0); }

bool AppendInputText(const Cell& cell, const Type& type, const iceberg::Type& held, std::string& out) {
  const Type& base = BaseOf(type);
  if (cell.kind == CellKind::kList) return base.element && AppendList(cell, *base.element, base.array_delimiter, held.fields.front().type, out);
  if (cell.kind == CellKind::kBytes && IsHeldAsJson(base)) return AppendJson(cell.bytes, base, out, 0);
  if (cell.kind == CellKind::kBytes && LossOfText(base) == Loss::kOidAsNumber) return AppendObjectNumber(cell.bytes, out);
  AppendCellText(cell, held, {}, out);
  return true;
}

}  // namespace sluice
