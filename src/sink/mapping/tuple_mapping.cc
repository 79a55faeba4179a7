#include "sink/mapping/tuple_mapping.h"

#include <fmt/format.h>

#include <algorithm>

#include "observability/errors/mapping_codes.h"

namespace sluice::mapping {
namespace {

void AppendInteger(std::vector<std::byte>& out, auto number) {
  const size_t at = out.size();
  out.resize(at + sizeof number);
  StoreBigEndian(out.data() + at, number);
}

void AppendBytes(std::vector<std::byte>& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// The value that leaves; false if it is malformed.
bool MapValue(const ColumnPlan& column, MaskWork& work, Value& value) {
  if (!column.mask) return true;
  if (column.mask->always_null()) return value = Value{}, true;
  if (value.kind == ValueKind::kNull || value.kind == ValueKind::kUnchanged) return true;
  if (!column.mask->Apply(value, work)) return false;
  value.bytes = AsBytes(work.value);
  return true;
}

int16_t TargetColumns(const TablePlan& plan) { return static_cast<int16_t>(plan.target->columns.size()); }

}  // namespace

Error MalformedValue(const TablePlan& plan) {
  return Error{ErrorKind::kCorrupt, fmt::format("table {}: a value contradicts the type of its column", ToString(plan.source->name)), slu::kMappingValueMalformed};
}

void ReadValues(const std::byte* tuple, std::vector<Value>& values) {
  TupleReader reader(tuple);
  values.resize(reader.columns());
  for (Value& value : values) value = reader.Next();
}

Status ReadCopyRow(const TablePlan& plan, ByteReader& reader, std::vector<Value>& values) {
  values.resize(plan.columns.size());
  const auto count = reader.Read<uint16_t>();
  if (!reader.ok() || count != values.size()) return MalformedValue(plan);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto length = reader.Read<int32_t>();
    values[i] = length < 0 ? Value{} : Value{plan.copy_kinds[i], reader.ReadBytes(static_cast<size_t>(length))};
  }
  return reader.ok() ? Status() : MalformedValue(plan);
}

Status AppendTuple(const TablePlan& plan, RowWork& work, std::span<const Value> fallback, std::vector<std::byte>& out) {
  if (work.values.size() != plan.columns.size()) return MalformedValue(plan);
  AppendInteger(out, TargetColumns(plan));
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    if (plan.columns[i].excluded) continue;
    Value value = work.values[i];
    if (value.kind == ValueKind::kUnchanged && !fallback.empty()) value = fallback[i];
    if (!MapValue(plan.columns[i], work.mask, value)) return MalformedValue(plan);
    out.push_back(static_cast<std::byte>(value.kind));
    if (value.kind == ValueKind::kNull || value.kind == ValueKind::kUnchanged) continue;
    AppendInteger(out, static_cast<int32_t>(value.bytes.size()));
    AppendBytes(out, value.bytes);
  }
  return Ok();
}

Status AppendCopyRow(const TablePlan& plan, RowWork& work, std::vector<std::byte>& out) {
  AppendInteger(out, TargetColumns(plan));
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    if (plan.columns[i].excluded) continue;
    Value value = work.values[i];
    if (!MapValue(plan.columns[i], work.mask, value)) return MalformedValue(plan);
    AppendInteger(out, value.kind == ValueKind::kNull ? int32_t{-1} : static_cast<int32_t>(value.bytes.size()));
    AppendBytes(out, value.bytes);
  }
  return Ok();
}

}  // namespace sluice::mapping
