// What a server of Iceberg's REST protocol answers, taken for each of the answers that it could be.

#include <nlohmann/json.hpp>
#include <string>

#include "catalog/rest_answers.h"
#include "fuzz_input.h"
#include "iceberg/json_object.h"
#include "memory_limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  const fuzz::MemoryLimit limit(size, 500, size_t{4} << 20);
  const std::string_view text = AsText(std::as_bytes(std::span(data, size)));
  const std::string words = WordsOf(409, text);
  FUZZ_CHECK(words.starts_with("409") && words.find_first_of("\r\n\x1b") == std::string::npos && words.size() <= 4 * 500);
  if (const auto token = TokenFrom(text); token.ok()) {
    FUZZ_CHECK(!token->token.empty() && token->token.find_first_of("\r\n \t") == std::string::npos);
    FUZZ_CHECK(!token->seconds || *token->seconds > 0);
  }
  const auto json = iceberg::ParseJson(text, "an answer");
  if (!json.ok()) return 0;
  if (const auto config = ServerConfigFrom(*json); config.ok()) FUZZ_CHECK(IsSafeInUrl(config->prefix) && IsSafeInUrl(config->namespace_separator) && IsSafeInUrl(config->uri.value_or("")));
  for (const auto page_from : {NamespacesFrom, TablesFrom})
    if (const auto page = page_from(*json); !page.ok()) FUZZ_CHECK(page.error().kind == ErrorKind::kCorrupt);
  if (const auto table = TableFrom(*json); table.ok()) FUZZ_CHECK(table->metadata != nullptr && table->metadata->schema().id == table->metadata->current_schema_id);
  static_cast<void>(NamespacePropertiesFrom(*json).ok());
  static_cast<void>(MetadataLocationFrom(*json).ok());
  return 0;
}
