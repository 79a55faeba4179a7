// Binary COPY in messages of any size: rows leave as they came, and are decoded for the lake.

#include <string>
#include <vector>

#include "fuzz_input.h"
#include "memory_limit.h"
#include "sink/lake/row_decoder.h"
#include "source/postgres/copy_rows.h"
#include "value_types.h"

namespace sluice::fuzz {
namespace {

class Receiver final : public RowReceiver {
 public:
  explicit Receiver(const TableSchema& schema) : decoder_(schema) {}

  Status Rows(Bytes rows, size_t count) override {
    ByteReader reader(rows);
    for (size_t i = 0; i < count && !refused; ++i) {
      const Status decoded = decoder_.DecodeCopyRow(reader);
      if (decoded.ok()) continue;
      FUZZ_CHECK(decoded.error().kind == ErrorKind::kCorrupt);
      refused = true;
    }
    FUZZ_CHECK(refused || reader.at_end());
    bytes += AsText(rows);
    row_count += count;
    return Ok();
  }

  std::string bytes;
  size_t row_count = 0;
  bool refused = false;

 private:
  RowDecoder decoder_;
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
  FUZZ_CHECK(finished.ok() || finished.error().kind == ErrorKind::kCorrupt);
  if (!finished.ok()) return 0;
  FUZZ_CHECK(receiver.row_count == rows.rows());
  // Behind the header, of at least 19 bytes, and before the trailer of two.
  FUZZ_CHECK(sent.size() >= 21 + receiver.bytes.size());
  FUZZ_CHECK(std::string_view(sent).substr(0, sent.size() - 2).ends_with(receiver.bytes));
  return 0;
}
