#include "server/rest_catalog/metadata_document.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/nesting.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLevelsMax = 256;  // As the table format's own reader takes them.

Error Corrupt() { return Error{ErrorKind::kCorrupt, "a table's metadata file is no JSON of its format", slu::kLakeFileCorrupt}; }

std::set<int64_t> ReferencedBy(const Json& metadata) {
  std::set<int64_t> referenced;
  const auto note = [&](const Json& holder, const char* field) {
    if (const auto id = holder.find(field); id != holder.end() && id->is_number_integer()) referenced.insert(id->get<int64_t>());
  };
  note(metadata, "current-snapshot-id");
  if (const auto refs = metadata.find("refs"); refs != metadata.end() && refs->is_object())
    for (const Json& ref : *refs)
      if (ref.is_object()) note(ref, "snapshot-id");
  return referenced;
}

}  // namespace

Status CheckMetadataDocument(const std::string& metadata_json) {
  const size_t first = metadata_json.find_first_not_of(" \t\r\n");
  const bool good = first != std::string::npos && metadata_json[first] == '{' && !NestsDeeperThan(metadata_json, kLevelsMax) && Json::accept(metadata_json);
  return good ? Ok() : Status(Corrupt());
}

Result<std::string> KeepReferencedSnapshots(const std::string& metadata_json) {
  if (NestsDeeperThan(metadata_json, kLevelsMax)) return Corrupt();
  Json metadata = Json::parse(metadata_json, nullptr, /*allow_exceptions=*/false);
  if (!metadata.is_object()) return Corrupt();
  const std::set<int64_t> referenced = ReferencedBy(metadata);
  if (const auto snapshots = metadata.find("snapshots"); snapshots != metadata.end() && snapshots->is_array()) {
    Json kept = Json::array();
    for (Json& snapshot : *snapshots) {
      const auto id = snapshot.is_object() ? snapshot.find("snapshot-id") : snapshot.end();
      if (id != snapshot.end() && id->is_number_integer() && referenced.contains(id->get<int64_t>())) kept.push_back(std::move(snapshot));
    }
    *snapshots = std::move(kept);
  }
  return metadata.dump();
}

}  // namespace sluice
