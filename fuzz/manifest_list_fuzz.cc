// A manifest list of any writer. What was read can be written, and reads back equal.

#include "fuzz_input.h"
#include "iceberg/manifest_list_avro.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::iceberg;
  const fuzz::MemoryLimit limit(size, 4'000, size_t{16} << 20);
  const auto manifests = DecodeManifestList(AsText(std::as_bytes(std::span(data, size))));
  if (!manifests.ok()) {
    FUZZ_CHECK(manifests.error().kind == ErrorKind::kCorrupt || manifests.error().kind == ErrorKind::kNeedsOperator);
    return 0;
  }
  ManifestListHeader header;
  header.format_version = 3;
  const auto again = DecodeManifestList(EncodeManifestList(header, *manifests));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(*again == *manifests);
  return 0;
}
