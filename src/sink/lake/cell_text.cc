#include "sink/lake/cell_text.h"

#include <algorithm>

#include "change/row_text.h"
#include "sink/lake/text_forms.h"

namespace sluice {
namespace {

using iceberg::TypeId;

constexpr int32_t kDaysTo2000 = 10'957;
constexpr int64_t kMicrosTo2000 = 946'684'800'000'000;

template <class Integer>
void AppendForm(text::Form form, Integer value, std::string& out) {
  std::byte bytes[sizeof value];
  StoreBigEndian(bytes, value);
  // Foreign writers may have put there what no server prints: then it equals nothing.
  if (!form(Bytes(bytes, sizeof bytes), out)) out.push_back('?');
}

// Wraps around instead of overflowing.
int64_t Since2000(int64_t micros) { return static_cast<int64_t>(static_cast<uint64_t>(micros) - uint64_t{kMicrosTo2000}); }

void AppendInteger(const Cell& cell, TypeId type, std::string& out) {
  switch (type) {
    case TypeId::kBoolean: out.push_back(cell.integer != 0 ? 't' : 'f'); return;
    case TypeId::kFloat: return AppendForm(text::Float4, static_cast<uint32_t>(cell.integer), out);
    case TypeId::kDouble: return AppendForm(text::Float8, cell.integer, out);
    case TypeId::kDate: return AppendForm(text::Date, static_cast<int32_t>(cell.integer - kDaysTo2000), out);
    case TypeId::kTimestamp: return AppendForm(text::Timestamp, Since2000(cell.integer), out);
    case TypeId::kTimestamptz: return AppendForm(text::Timestamptz, Since2000(cell.integer), out);
    default: return text::AppendSigned(cell.integer, out);
  }
}

void AppendDecimal(__int128 unscaled, int32_t scale, std::string& out) {
  char digits[48];
  char* const end = digits + sizeof digits;
  char* at = end;
  const bool negative = unscaled < 0;
  auto magnitude = negative ? -static_cast<unsigned __int128>(unscaled) : static_cast<unsigned __int128>(unscaled);
  for (int32_t place = 0; place <= scale || magnitude != 0; ++place) {
    if (place == scale && scale > 0) *--at = '.';
    *--at = static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
  }
  if (negative) *--at = '-';
  out.append(at, end);
}

}  // namespace

void AppendCellText(const Cell& cell, const iceberg::Type& type, const ColumnForm& form, std::string& out) {
  switch (cell.kind) {
    case CellKind::kNull: return;
    case CellKind::kInteger: return AppendInteger(cell, type.id, out);
    case CellKind::kDecimal:
      if (form.value == ValueForm::kMoney) return AppendForm(text::Bytea, static_cast<int64_t>(cell.decimal), out);
      return AppendDecimal(cell.decimal, type.scale, out);
    case CellKind::kBytes: {
      const text::Form print = type.id == TypeId::kUuid ? text::Uuid : type.id == TypeId::kBinary ? text::Bytea : text::Plain;
      if (!print(AsBytes(cell.bytes), out)) out.append(cell.bytes);  // Of another length than a uuid: equal to none.
      return;
    }
    case CellKind::kList: {
      RowText element;
      std::string scratch;
      for (const Cell& item : cell.items) {
        scratch.clear();
        AppendCellText(item, type.fields.front().type, {form.value}, scratch);
        element.Clear();
        element.Add(item.is_null() ? std::nullopt : std::optional<std::string_view>(scratch));
        out.append(element.Finish());
      }
      return;
    }
  }
}

}  // namespace sluice
