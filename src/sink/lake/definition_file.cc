#include "sink/lake/definition_file.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/bytes.h"
#include "iceberg/format_error.h"
#include "sink/lake/table_definition_json.h"
#include "sink/lake/text_forms.h"

namespace sluice {
namespace {

constexpr size_t kHashBytes = 16;  // 128 bits: nobody finds another text for a name that is there.

std::string NameFor(std::string_view content) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest);
  std::string name = "definition-";
  text::AppendHex(std::as_bytes(std::span(digest).first(kHashBytes)), name);
  return name + ".json";
}

}  // namespace

std::string DefinitionUri(std::string_view location, std::string_view name) { return fmt::format("{}/metadata/{}", location, name); }

void NameDefinition(const iceberg::Properties& properties, iceberg::Properties& summary) {
  if (const auto named = properties.find(kDefinitionProperty); named != properties.end()) summary.insert(*named);
}

Result<std::string> WriteDefinition(ObjectStore& store, std::string_view location, const TableDefinition& table) {
  const std::string content = ToJson(table);
  std::string name = NameFor(content);
  RETURN_IF_ERROR(store.PutLater(DefinitionUri(location, name), content));
  return name;
}

Result<TableDefinition> ReadDefinition(ObjectStore& store, std::string_view location, const std::string& name) {
  const std::string uri = DefinitionUri(location, name);
  ASSIGN_OR_RETURN(const std::string content, store.Get(uri));
  if (NameFor(content) != name) return iceberg::Corrupt(fmt::format("{} does not hold what its name says: it was changed", uri));
  return ParseTableDefinition(content);
}

}  // namespace sluice
