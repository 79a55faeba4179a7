// Binary COPY in messages of any size: rows leave as they came, and are decoded for the lake.

#include <arrow/array.h>
#include <arrow/type.h>

#include <string>
#include <vector>

#include "fuzz_input.h"
#include "memory_limit.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/row_decoder.h"
#include "sink/lake/type_map.h"
#include "source/postgres/copy_rows.h"
#include "value_types.h"

namespace sluice::fuzz {
namespace {

/// What a buffer needs of a table.
LakeSchemaPtr ColumnsFor(const TableSchema& schema) {
  auto lake = std::make_shared<LakeSchema>();
  lake->source = std::make_shared<const TableSchema>(schema);
  arrow::FieldVector fields;
  const auto add = [&](iceberg::Type type) {
    iceberg::Field field;
    field.id = static_cast<int32_t>(fields.size() + 1);
    field.name = "c";
    field.type = std::move(type);
    fields.push_back(ToArrowField(field));
  };
  for (const Column& column : schema.columns) add(MapType(*column.type, column.typmod).type);
  for (const iceberg::TypeId id : {iceberg::TypeId::kTimestamptz, iceberg::TypeId::kTimestamptz, iceberg::TypeId::kLong}) {
    iceberg::Type type;
    type.id = id;
    add(type);
  }
  lake->arrow = arrow::schema(fields);
  return lake;
}

class Receiver final : public RowReceiver {
 public:
  explicit Receiver(const TableSchema& schema) : decoder_(schema), bulk_decoder_(schema), one_by_one_(ColumnsFor(schema)), bulk_(ColumnsFor(schema)) {}

  Status Rows(Bytes rows, size_t count) override {
    ByteReader reader(rows), bulk_reader(rows);
    for (size_t left = count; left > 0 && !bulk_refused_;) {
      const auto taken = bulk_decoder_.DecodeCopyRows(bulk_reader, left, {}, bulk_);
      FUZZ_CHECK(taken.ok() ? *taken > 0 && *taken <= left : taken.error().kind == ErrorKind::kCorrupt);
      bulk_refused_ = !taken.ok();
      if (taken.ok()) left -= *taken;
    }
    for (size_t i = 0; i < count && !refused; ++i) {
      const Status decoded = decoder_.DecodeCopyRow(reader);
      FUZZ_CHECK(decoded.ok() || decoded.error().kind == ErrorKind::kCorrupt);
      refused = !decoded.ok();
      if (!refused) one_by_one_.Append(decoder_.cells(), {});
    }
    FUZZ_CHECK(refused || reader.at_end());
    FUZZ_CHECK(refused == bulk_refused_);
    bytes += AsText(rows);
    row_count += count;
    return Ok();
  }

  /// Both ways made the same columns.
  void Compare() {
    if (refused) return;
    const Columns expected = one_by_one_.Finish(), columns = bulk_.Finish();
    for (size_t i = 0; i < columns.size(); ++i) FUZZ_CHECK(columns[i]->Equals(*expected[i], arrow::EqualOptions::Defaults().nans_equal(true)));
  }

  std::string bytes;
  size_t row_count = 0;
  bool refused = false;

 private:
  RowDecoder decoder_, bulk_decoder_;
  ColumnBuffer one_by_one_, bulk_;
  bool bulk_refused_ = false;
};

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  TableSchema schema;
  const auto& types = fuzz::ValueTypes();
  for (size_t left = input.Choice(8); left > 0; --left) {
    const fuzz::ValueType& chosen = types[input.Choice(types.size())];
    schema.columns.push_back({"c", 0, chosen.type, chosen.typmod, false});
  }
  const fuzz::MemoryLimit limit(size, 100'000, size_t{4} << 20);
  fuzz::Receiver receiver(schema);
  CopyRows rows(schema.columns.size(), receiver);
  std::string sent;
  Status added;
  while (added.ok() && !input.at_end()) {
    const Bytes message = input.Piece();
    sent += AsText(message);
    added = rows.Add(message);
  }
  const Status finished = added.ok() ? rows.Finish() : added;
  receiver.Compare();
  FUZZ_CHECK(finished.ok() || finished.error().kind == ErrorKind::kCorrupt);
  if (!finished.ok()) return 0;
  FUZZ_CHECK(receiver.row_count == rows.rows());
  // Behind the header, of at least 19 bytes, and before the trailer of two.
  FUZZ_CHECK(sent.size() >= 21 + receiver.bytes.size());
  FUZZ_CHECK(std::string_view(sent).substr(0, sent.size() - 2).ends_with(receiver.bytes));
  return 0;
}
