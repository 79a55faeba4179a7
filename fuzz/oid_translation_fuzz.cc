// Type OIDs inside binary values are rewritten in place: never a byte beyond, and a second time changes nothing.

#include <string>

#include "fuzz_input.h"
#include "memory_limit.h"
#include "sink/replica/oid_translation.h"
#include "value_types.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  const auto& types = fuzz::ValueTypes();
  const Type& type = *types[input.Choice(types.size())].type;
  OidMap map;
  if ((input.Byte() & 1) != 0) {
    std::map<Oid, const Type*> within;
    CollectPrivateTypes(type, within);
    for (const auto& [oid, below] : within) map[oid] = oid + 1'000'000;
  }
  const fuzz::MemoryLimit limit(size, 16);
  const OidTranslation translation = OidTranslation::Of(type, map);
  std::string value(AsText(input.rest()));
  value.shrink_to_fit();
  const Status rewritten = translation.Rewrite(std::as_writable_bytes(std::span(value)));
  if (translation.pass_through()) FUZZ_CHECK(value == AsText(input.rest()));
  if (!rewritten.ok()) {
    FUZZ_CHECK(rewritten.error().kind == ErrorKind::kCorrupt);
    return 0;
  }
  std::string again = value;
  FUZZ_CHECK(translation.Rewrite(std::as_writable_bytes(std::span(again))).ok());
  FUZZ_CHECK(again == value);
  return 0;
}
