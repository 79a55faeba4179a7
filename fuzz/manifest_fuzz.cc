// A manifest of any writer. What was read can be written, and reads back equal.

#include "fuzz_input.h"
#include "iceberg/avro.h"
#include "iceberg/manifest_avro.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::iceberg;
  const fuzz::MemoryLimit limit(size, 4'000, size_t{16} << 20);
  const auto manifest = DecodeManifest(AsText(std::as_bytes(std::span(data, size))));
  if (!manifest.ok()) {
    FUZZ_CHECK(manifest.error().kind == ErrorKind::kCorrupt || manifest.error().kind == ErrorKind::kNeedsOperator);
    return 0;
  }
  std::vector<ManifestEntry> inheriting = manifest->entries;
  ManifestFile list_entry;
  list_entry.first_row_id = int64_t{1} << 62;
  InheritFrom(list_entry, inheriting);
  const ManifestHeader& header = manifest->header;
  const auto types = PartitionTypes(header.spec, header.schema);
  if (header.format_version < 2 || !types.ok()) return 0;
  const auto written = EncodeManifest(header, *types, manifest->entries);
  if (!written.ok()) return 0;
  const auto again = DecodeManifest(*written);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->entries.size() == manifest->entries.size());
  const auto twice = EncodeManifest(again->header, *types, again->entries);
  FUZZ_CHECK(twice.ok());
  // Not the files, of which each has a mark of its own, and not the entries: what is no number is never equal.
  FUZZ_CHECK(ReadAvroFile(*twice)->records == ReadAvroFile(*written)->records);
  return 0;
}
