// What a store of S3 answers when it is asked for unfinished uploads, and when it refuses.

#include <string>

#include "fuzz_input.h"
#include "memory_limit.h"
#include "storage/uploads_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  const fuzz::MemoryLimit limit(size, 200, size_t{1} << 20);
  const std::string_view text = AsText(std::as_bytes(std::span(data, size)));
  const std::string words = RefusalFrom(text);
  FUZZ_CHECK(words.find_first_of("\r\n\x1b") == std::string::npos && words.size() <= 4 * 700);
  const auto page = UploadsPageFrom(text);
  if (!page.ok()) {
    FUZZ_CHECK(page.error().kind == ErrorKind::kCorrupt);
    return 0;
  }
  for (const ListedUpload& upload : page->uploads) FUZZ_CHECK(!upload.key.empty() && upload.key.size() <= 1024 && !upload.id.empty());
  FUZZ_CHECK(page->is_last || !page->next_key.empty());
  return 0;
}
