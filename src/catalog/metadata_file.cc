#include "catalog/metadata_file.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "iceberg/format_error.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_metadata_json.h"

namespace sluice {
namespace {

/// Puts the base into the log of what came before; returns what has no place there any more.
std::vector<std::string> LogPrevious(const CatalogTable& base, int previous_files_max,
                                     iceberg::TableMetadata& metadata) {
  auto& log = metadata.metadata_log;
  log.push_back({base.metadata->last_updated_ms, base.metadata_location});
  std::vector<std::string> forgotten;
  while (log.size() > static_cast<size_t>(previous_files_max)) {
    forgotten.push_back(std::move(log.front().metadata_file));
    log.erase(log.begin());
  }
  return forgotten;
}

}  // namespace

Result<NextMetadata> MakeNextMetadata(const TableCommit& commit, int64_t now_ms,
                                      int previous_files_max) {
  const iceberg::TableMetadata* base = commit.base.metadata.get();
  RETURN_IF_ERROR(iceberg::CheckRequirements(base, commit.requirements));
  ASSIGN_OR_RETURN(iceberg::TableMetadata metadata,
                   iceberg::ApplyUpdates(base, commit.updates, now_ms));
  NextMetadata next;
  if (base) next.forgotten = LogPrevious(commit.base, previous_files_max, metadata);
  next.table.metadata_location =
      NextMetadataLocation(metadata.location, commit.base.metadata_location);
  next.file = {next.table.metadata_location, iceberg::ToJsonText(metadata)};
  next.table.metadata = std::make_shared<const iceberg::TableMetadata>(std::move(metadata));
  return next;
}

std::string NextMetadataLocation(const std::string& table_location,
                                 const std::string& base_location) {
  int version = -1;
  if (!base_location.empty()) {
    const std::string_view name =
        std::string_view(base_location).substr(base_location.rfind('/') + 1);
    std::from_chars(name.data(), name.data() + name.size(), version);
  }
  return fmt::format("{}/metadata/{:05}-{}.metadata.json", table_location, version + 1,
                     iceberg::NewUuid());
}

Result<iceberg::TableMetadataPtr> ReadMetadataFile(ObjectStore& store,
                                                   const std::string& location) {
  ASSIGN_OR_RETURN(const std::string text, store.Get(location));
  Result<iceberg::TableMetadata> metadata = iceberg::ParseTableMetadata(text);
  if (!metadata.ok()) return iceberg::InFile(metadata.error(), location);
  return std::make_shared<const iceberg::TableMetadata>(std::move(*metadata));
}

}  // namespace sluice
