#include "sink/lake/key_columns.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <gtest/gtest.h>

#include <random>

#include "sink/lake/lake_test_support.h"
#include "sink/lake/pg_type_oid.h"

namespace sluice {
namespace {

constexpr int64_t kRows = 1000;

TableSchemaPtr KeyedBy(const std::vector<Oid>& types) {
  auto schema = std::make_shared<TableSchema>();
  schema->oid = 1;
  schema->name = {"public", "keyed"};
  for (size_t i = 0; i < types.size(); ++i) {
    schema->columns.push_back({"c" + std::to_string(i), static_cast<int16_t>(i + 1), testing::BuiltinType(types[i], "t"), -1, true});
    schema->key.push_back(i);
  }
  return schema;
}

// Values of all kinds over random bytes; texts of up to ten bytes. Where `nulls`, every third value is null.
std::shared_ptr<arrow::Array> RandomArray(const std::shared_ptr<arrow::DataType>& declared, bool nulls, std::mt19937_64& random) {
  const auto type = declared->id() == arrow::Type::EXTENSION ? arrow::fixed_size_binary(16) : declared;
  const auto bytes_of = [&](size_t size) {
    auto buffer = *arrow::AllocateBuffer(static_cast<int64_t>(size));
    for (size_t i = 0; i < size; ++i) buffer->mutable_data()[i] = static_cast<uint8_t>(random());
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  };
  std::shared_ptr<arrow::Buffer> validity;
  if (nulls) {
    validity = bytes_of(kRows / 8 + 1);
    for (int64_t i = 0; i < kRows; ++i) arrow::bit_util::SetBitTo(const_cast<uint8_t*>(validity->data()), i, i % 3 != 0);
  }
  std::vector<std::shared_ptr<arrow::Buffer>> buffers{validity};
  if (type->id() == arrow::Type::STRING || type->id() == arrow::Type::BINARY) {
    auto offsets = bytes_of((kRows + 1) * 4);
    auto* const at = reinterpret_cast<int32_t*>(const_cast<uint8_t*>(offsets->data()));
    at[0] = 0;
    for (int64_t i = 0; i < kRows; ++i) at[i + 1] = at[i] + static_cast<int32_t>(random() % 11);
    buffers.push_back(offsets);
    buffers.push_back(bytes_of(static_cast<size_t>(at[kRows])));
  } else {
    buffers.push_back(bytes_of(static_cast<size_t>(kRows * std::max(1, static_cast<const arrow::FixedWidthType&>(*type).bit_width() / 8))));
  }
  return arrow::MakeArray(arrow::ArrayData::Make(type, kRows, buffers))->Slice(3, kRows - 3);
}

TEST(KeyColumns, MakesTheKeysThatCellsMake) {
  std::mt19937_64 random(std::random_device{}());
  const std::vector<std::vector<Oid>> keys = {{pg::kInt2}, {pg::kInt4}, {pg::kInt8}, {pg::kDate}, {pg::kTimestamptz}, {pg::kFloat8}, {pg::kBool}, {pg::kUuid},
                                              {pg::kText}, {pg::kBytea}, {pg::kInt4, pg::kText}, {pg::kUuid, pg::kInt8, pg::kFloat4}};
  for (const auto& types : keys) {
    for (const bool nulls : {false, true}) {
      const LakeSchemaPtr schema = MakeLakeSchema(KeyedBy(types));
      KeyCodec codec(*schema);
      Columns columns;
      for (size_t i = 0; i < types.size(); ++i) columns.push_back(RandomArray(schema->arrow->field(static_cast<int>(i))->type(), nulls, random));
      std::vector<RowKey> made(900);
      KeyColumns(codec).Encode(columns, 5, made);
      std::vector<CellReader> readers(types.size());
      std::vector<Cell> cells(types.size());
      for (size_t row = 0; row < made.size(); ++row) {
        for (size_t k = 0; k < cells.size(); ++k) readers[k].Read(*columns[k], static_cast<int64_t>(row + 5), cells[k]);
        ASSERT_EQ(made[row], codec.EncodeKeyCells(cells)) << "type " << types[0] << ", row " << row;
      }
    }
  }
}

}  // namespace
}  // namespace sluice
