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

std::optional<int64_t> Integer(const Json& holder, const char* field) {
  if (!holder.is_object()) return std::nullopt;
  const auto found = holder.find(field);
  return found != holder.end() && found->is_number_integer() ? std::optional(found->get<int64_t>()) : std::nullopt;
}

std::set<int64_t> ReferencedBy(const Json& metadata) {
  std::set<int64_t> referenced;
  const auto note = [&](const Json& holder, const char* field) {
    if (const auto id = Integer(holder, field)) referenced.insert(*id);
  };
  note(metadata, "current-snapshot-id");
  if (const auto refs = metadata.find("refs"); refs != metadata.end() && refs->is_object())
    for (const Json& ref : *refs) note(ref, "snapshot-id");
  return referenced;
}

Result<Json> Parsed(const std::string& metadata_json) {
  if (NestsDeeperThan(metadata_json, kLevelsMax)) return Corrupt();
  Json metadata = Json::parse(metadata_json, nullptr, /*allow_exceptions=*/false);
  if (!metadata.is_object()) return Corrupt();
  return metadata;
}

}  // namespace

Status CheckMetadataDocument(const std::string& metadata_json) {
  const size_t first = metadata_json.find_first_not_of(" \t\r\n");
  const bool good = first != std::string::npos && metadata_json[first] == '{' && !NestsDeeperThan(metadata_json, kLevelsMax) && Json::accept(metadata_json);
  return good ? Ok() : Status(Corrupt());
}

Result<std::string> KeepReferencedSnapshots(const std::string& metadata_json) {
  ASSIGN_OR_RETURN(Json metadata, Parsed(metadata_json));
  const std::set<int64_t> referenced = ReferencedBy(metadata);
  if (const auto snapshots = metadata.find("snapshots"); snapshots != metadata.end() && snapshots->is_array()) {
    Json kept = Json::array();
    for (Json& snapshot : *snapshots) {
      const auto id = Integer(snapshot, "snapshot-id");
      if (id && referenced.contains(*id)) kept.push_back(std::move(snapshot));
    }
    *snapshots = std::move(kept);
  }
  return metadata.dump();
}

Result<std::string> AsOfSnapshot(const std::string& metadata_json, std::optional<int64_t> snapshot_id) {
  ASSIGN_OR_RETURN(Json metadata, Parsed(metadata_json));
  metadata["current-snapshot-id"] = snapshot_id.value_or(-1);
  Json& refs = metadata["refs"];  // Good until the next field is added.
  if (!refs.is_object()) refs = Json::object();
  if (!snapshot_id) refs.erase("main");
  else refs["main"] = {{"snapshot-id", *snapshot_id}, {"type", "branch"}};
  bool found = !snapshot_id;
  std::optional<int64_t> schema;
  if (const auto snapshots = metadata.find("snapshots"); snapshots != metadata.end() && snapshots->is_array()) {
    for (const Json& snapshot : *snapshots) {
      if (!snapshot_id || Integer(snapshot, "snapshot-id") != snapshot_id) continue;
      found = true;
      schema = Integer(snapshot, "schema-id");
    }
  }
  if (!found) return Corrupt();
  if (schema) metadata["current-schema-id"] = *schema;
  // Java wants the log to end with the current snapshot.
  if (const auto log = metadata.find("snapshot-log"); log != metadata.end() && log->is_array()) {
    size_t kept = 0;
    for (size_t i = 0; i < log->size(); ++i)
      if (snapshot_id && Integer((*log)[i], "snapshot-id") == snapshot_id) kept = i + 1;
    log->erase(log->begin() + static_cast<std::ptrdiff_t>(kept), log->end());
  }
  return metadata.dump();
}

}  // namespace sluice
