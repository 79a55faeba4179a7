// The short texts that people and servers give: log positions, durations and sizes, connection strings, fingerprints of tables.

#include <string>

#include "change/lsn.h"
#include "change/table_fingerprint.h"
#include "config/secrets.h"
#include "config/units.h"
#include "fuzz_input.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  const std::string_view text = AsText(std::as_bytes(std::span(data, size)));
  const fuzz::MemoryLimit limit(size, 100);
  if (const auto lsn = ParseLsn(text); lsn.ok()) {
    const auto again = ParseLsn(ToString(*lsn));
    FUZZ_CHECK(again.ok() && *again == *lsn);
  }
  if (const auto duration = ParseDuration(text)) FUZZ_CHECK(duration->count() >= 0 && !FormatDuration(*duration).empty());
  if (const auto bytes = ParseSize(text)) FUZZ_CHECK(!FormatSize(*bytes).empty());
  if (const auto fingerprint = ParseFingerprint(text)) FUZZ_CHECK(ParseFingerprint(ToText(*fingerprint)) == fingerprint);
  const std::string blanked = BlankPasswords(text);
  FUZZ_CHECK(blanked.size() == text.size());
  if (const auto span = FindPassword(text)) FUZZ_CHECK(span->size > 0 && span->begin + span->size <= text.size());
  return 0;
}
