// The JSON of a table's metadata. What was read can be written, and reads back equal.

#include "fuzz_input.h"
#include "iceberg/table_metadata_json.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::iceberg;
  const fuzz::MemoryLimit limit(size, 500, size_t{4} << 20);
  const auto metadata = ParseTableMetadata(AsText(std::as_bytes(std::span(data, size))));
  if (!metadata.ok()) {
    FUZZ_CHECK(metadata.error().kind == ErrorKind::kCorrupt || metadata.error().kind == ErrorKind::kNeedsOperator);
    return 0;
  }
  FUZZ_CHECK(metadata->schema().id == metadata->current_schema_id);
  FUZZ_CHECK(metadata->spec().id == metadata->default_spec_id);
  const auto again = ParseTableMetadata(ToJsonText(*metadata));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(*again == *metadata);
  return 0;
}
