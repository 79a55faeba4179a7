#include "sink/replica/row_encoder.h"

#include <fmt/format.h>

namespace sluice {
namespace {

Status Unfit(const DestinationTable& table, const DestinationColumn& column, const char* what) {
  return Error{ErrorKind::kCorrupt, fmt::format("table {} column {}: {}", table.name, column.quoted, what)};
}

Status AppendValue(std::string& to, const DestinationTable& table, const DestinationColumn& column, const Value& value) {
  if (value.kind == ValueKind::kNull) {
    AppendBigEndian<int32_t>(to, -1);
    return Ok();
  }
  if (value.kind == ValueKind::kUnchanged) return Unfit(table, column, "an unchanged value in a new row");
  if (column.as_text && value.kind == ValueKind::kBinary) {
    if (!column.object_number) return Unfit(table, column, "a binary value of a type without binary form");
    ASSIGN_OR_RETURN(const std::string text, ObjectNumberText(value.bytes, column.quoted));
    AppendBigEndian<int32_t>(to, static_cast<int32_t>(text.size()));
    to += text;
    return Ok();
  }
  if (!column.as_text && value.kind == ValueKind::kText) return Unfit(table, column, "a text value where binary was asked for");
  if (column.object_number && !column.as_text) {
    const auto text = ObjectNumberText(value.bytes, column.quoted);
    if (!text.ok()) return text.error();
  }
  AppendBigEndian<int32_t>(to, static_cast<int32_t>(value.bytes.size()));
  const size_t at = to.size();
  to.append(AsText(value.bytes));
  if (column.translation.pass_through() || value.kind == ValueKind::kText) return Ok();
  return column.translation.Rewrite(std::as_writable_bytes(std::span(to).subspan(at)));
}

}  // namespace

Status AppendFields(std::string& to, const DestinationTable& table, const std::byte* tuple, std::span<const size_t> columns) {
  TupleReader reader(tuple);
  size_t index = 0;
  for (const size_t wanted : columns) {
    for (; index < wanted; ++index) reader.Next();
    RETURN_IF_ERROR(AppendValue(to, table, table.columns[wanted], reader.Next()));
    ++index;
  }
  return Ok();
}

Status AppendRow(std::string& to, const DestinationTable& table, const std::byte* tuple) {
  TupleReader reader(tuple);
  AppendBigEndian<int16_t>(to, static_cast<int16_t>(reader.columns()));
  if (!table.pass_through || table.any_text) {
    for (const DestinationColumn& column : table.columns)
      RETURN_IF_ERROR(AppendValue(to, table, column, reader.Next()));
    return Ok();
  }
  // The common case: a binary value stands on the wire exactly as COPY wants it, behind one byte for its kind.
  for (const DestinationColumn& column : table.columns) {
    const Value value = reader.Next();
    if (value.kind == ValueKind::kBinary) [[likely]] {
      to.append(reinterpret_cast<const char*>(value.bytes.data()) - 4, value.bytes.size() + 4);
      continue;
    }
    RETURN_IF_ERROR(AppendValue(to, table, column, value));
  }
  return Ok();
}

}  // namespace sluice
