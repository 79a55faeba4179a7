// Any Avro container: its schema, its blocks, and records walked by that schema.

#include "fuzz_input.h"
#include "iceberg/avro.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::iceberg;
  constexpr size_t kUnpackedBytesMax = size_t{1} << 20;
  const fuzz::MemoryLimit limit(size, 2'000, size_t{8} << 20);
  const auto file = ReadAvroFile(AsText(std::as_bytes(std::span(data, size))), kUnpackedBytesMax);
  if (!file.ok()) {
    FUZZ_CHECK(file.error().kind == ErrorKind::kCorrupt || file.error().kind == ErrorKind::kNeedsOperator);
    return 0;
  }
  FUZZ_CHECK(file->records.size() <= kUnpackedBytesMax || file->records.size() <= size);
  AvroDecoder decoder(file->records);
  for (int64_t i = 0; i < file->record_count && decoder.ok(); ++i) decoder.Skip(*file->schema);
  return 0;
}
