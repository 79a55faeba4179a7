#include "sink/lake/row_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

// Rows that are decoded together have about so many, so that they stay in the processor's cache.
constexpr size_t kBytesAtOnce = 256 << 10;

}  // namespace

RowDecoder::RowDecoder(const TableSchema& schema)
    : schema_(schema), cells_(schema.columns.size()), counts_(schema.columns.size()) {
  for (const Column& column : schema.columns) decoders_.push_back(MakeDecoder(*column.type, column.typmod));
}

RowDecoder::RowDecoder(const LakeSchema& schema)
    : schema_(*schema.source), cells_(schema.source_columns()), counts_(schema.source_columns()) {
  for (size_t i = 0; i < schema.source_columns(); ++i) {
    const Column& column = schema_.columns[i];
    decoders_.push_back(MakeDecoder(*column.type, column.typmod, schema.iceberg.fields[i].type));
  }
}

Status RowDecoder::DecodeTuple(const std::byte* tuple) {
  TupleReader reader(tuple);
  unchanged_.clear();
  if (reader.columns() != decoders_.size()) return Malformed(0);
  for (size_t i = 0; i < decoders_.size(); ++i) {
    const Value value = reader.Next();
    if (value.kind == ValueKind::kUnchanged) {
      unchanged_.push_back(static_cast<uint32_t>(i));
      continue;
    }
    if (!decoders_[i]->DecodeValue(value, cells_[i], counts_[i])) return Malformed(i);
  }
  return Ok();
}

Status RowDecoder::DecodeCopyRow(ByteReader& reader) {
  if (reader.Read<uint16_t>() != decoders_.size()) return Malformed(0);
  for (size_t i = 0; i < decoders_.size(); ++i) {
    const auto length = reader.Read<int32_t>();
    if (length < 0) {
      if (length != -1 || !reader.ok()) return Malformed(i);
      cells_[i] = Cell{};
      continue;
    }
    const Bytes bytes = reader.ReadBytes(static_cast<size_t>(length));
    if (!reader.ok() || !decoders_[i]->Decode(bytes, cells_[i], counts_[i])) return Malformed(i);
  }
  return Ok();
}

Result<size_t> RowDecoder::DecodeCopyRows(ByteReader& reader, size_t count, const RowStamp& stamp, ColumnBuffer& buffer) {
  values_.resize(decoders_.size() * kValuesAtOnce);
  const size_t before = reader.rest_size();
  size_t rows = 0;
  while (rows < std::min(count, kValuesAtOnce) && before - reader.rest_size() < kBytesAtOnce) {
    if (reader.Read<uint16_t>() != decoders_.size()) return Malformed(0);
    for (size_t i = 0; i < decoders_.size(); ++i) {
      const auto length = reader.Read<int32_t>();
      Bytes& value = values_[i * kValuesAtOnce + rows];
      value = length < 0 ? Bytes() : reader.ReadBytes(static_cast<size_t>(length));
      if (length < -1 || !reader.ok()) return Malformed(i);
    }
    ++rows;
  }
  size_t bytes = 0;
  for (size_t i = 0; i < decoders_.size(); ++i) {
    const std::span<const Bytes> values(&values_[i * kValuesAtOnce], rows);
    if (!decoders_[i]->AppendAll(values, buffer.column(i), counts_[i])) return Malformed(i);
    // As cells are counted: eight bytes, and what varies.
    for (const Bytes& value : values) bytes += 8 + (value.size() > 8 ? value.size() : 0);
  }
  buffer.Appended(static_cast<int64_t>(rows), bytes, stamp);
  return rows;
}

void RowDecoder::Reset() { std::fill(cells_.begin(), cells_.end(), Cell{}); }

std::vector<PolicyCounts> RowDecoder::TakeCounts() {
  return std::exchange(counts_, std::vector<PolicyCounts>(decoders_.size()));
}

Error RowDecoder::Malformed(size_t column) const {
  return {ErrorKind::kCorrupt,
          fmt::format("table {}: the value of column {} contradicts the format of its type", ToString(schema_.name),
                      column < schema_.columns.size() ? schema_.columns[column].name : "?")};
}

}  // namespace sluice
