// What `sluice lake check` reads by itself: any Avro container, by any schema, and any metadata.

#include "audit/avro_fields.h"
#include "audit/avro_file.h"
#include "audit/metadata_check.h"
#include "fuzz_input.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::audit;
  constexpr AvroLimits kLimits{.unpacked_bytes_max = size_t{1} << 20, .block_bytes_max = size_t{1} << 18, .record_values_max = size_t{1} << 14};
  const std::string_view text = AsText(std::as_bytes(std::span(data, size)));
  const fuzz::MemoryLimit limit(size, 2'000, size_t{16} << 20);
  Findings findings;
  size_t records = 0;
  const auto header = ReadAvroFile(text, kLimits, [&](const Json&, const Json&) -> Status {
    ++records;
    return Ok();
  });
  FUZZ_CHECK(records <= kLimits.unpacked_bytes_max);
  if (header.ok()) CheckAvroSchema(header->schema, {}, "file", findings);
  else FUZZ_CHECK(header.error().kind == ErrorKind::kCorrupt);
  if (const auto metadata = Parse(text)) CheckMetadata(*metadata, ReadTableFacts(*metadata), "file", findings);
  FUZZ_CHECK(findings.kept().size() <= findings.total());
  return 0;
}
