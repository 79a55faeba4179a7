// How a table is made, as it lies in a lake that others can write to.

#include "fuzz_input.h"
#include "memory_limit.h"
#include "sink/lake/table_definition_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  const fuzz::MemoryLimit limit(size, 500, size_t{4} << 20);
  const auto table = ParseTableDefinition(AsText(std::as_bytes(std::span(data, size))));
  if (!table.ok()) {
    FUZZ_CHECK(table.error().kind == ErrorKind::kCorrupt);
    return 0;
  }
  FUZZ_CHECK(table->schema && table->schema->columns.size() == table->columns.size());
  for (const Column& column : table->schema->columns) FUZZ_CHECK(column.type != nullptr);
  for (const size_t column : table->schema->key) FUZZ_CHECK(column < table->columns.size());
  const std::string json = ToJson(*table);
  const auto again = ParseTableDefinition(json);
  FUZZ_CHECK(again.ok() && ToJson(*again) == json);
  return 0;
}
