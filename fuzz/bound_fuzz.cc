// The small texts and bytes inside Iceberg's files: names of types and transforms, bounds of columns.

#include <algorithm>

#include "fuzz_input.h"
#include "iceberg/literal.h"
#include "iceberg/transform.h"
#include "iceberg/type.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::iceberg;
  fuzz::Input input(data, size);
  const Bytes name = input.Take(input.Byte());
  const std::string_view bytes = AsText(input.rest());
  const fuzz::MemoryLimit limit(size, 100);

  if (const auto transform = ParseTransform(AsText(name)); transform.ok()) {
    const auto again = ParseTransform(ToString(*transform));
    FUZZ_CHECK(again.ok() && *again == *transform);
  }
  const auto type = ParsePrimitive(AsText(name));
  if (type.ok()) {
    const auto again = ParsePrimitive(ToString(*type));
    FUZZ_CHECK(again.ok() && *again == *type);
    const auto value = DecodeBound(*type, bytes);
    if (value.ok()) {
      const auto back = DecodeBound(*type, EncodeBound(*value));
      FUZZ_CHECK(back.ok());
      FUZZ_CHECK(Compare(*back, *value) == std::weak_ordering::equivalent);
    }
  }
  // Cut bounds stay on their side of the value.
  FUZZ_CHECK(TruncateLowerBound(bytes) <= bytes);
  FUZZ_CHECK(TruncateBinaryLowerBound(bytes) <= bytes);
  if (const auto upper = TruncateBinaryUpperBound(bytes)) FUZZ_CHECK(*upper >= bytes);
  // Of text only where characters are surely in the order of their bytes.
  const bool plain = std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (const auto upper = TruncateUpperBound(bytes); upper && plain) FUZZ_CHECK(*upper >= bytes);
  return 0;
}
