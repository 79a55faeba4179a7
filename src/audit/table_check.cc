#include "audit/table_check.h"

#include <fmt/format.h>

#include <unordered_set>

#include "audit/deletes_check.h"
#include "audit/inflate.h"
#include "audit/lake_files.h"
#include "audit/manifest_check.h"
#include "audit/metadata_check.h"
#include "audit/parquet_check.h"
#include "audit/rules.h"

namespace sluice::audit {
namespace {

constexpr int64_t kMetadataBytesMax = int64_t{512} << 20;

std::optional<Json> ReadMetadata(LakeFiles& files, const std::string& uri, Findings& findings) {
  auto bytes = files.Read(uri, kMetadataBytesMax, "the catalog");
  if (!bytes) return std::nullopt;
  if (uri.ends_with(".gz.metadata.json")) {
    Result<std::string> unpacked = Inflate(*bytes, Packing::kGzip, kMetadataBytesMax);
    if (!unpacked.ok()) {
      findings.Add(kDamagedFile, uri, unpacked.error().message);
      return std::nullopt;
    }
    bytes = std::move(*unpacked);
  }
  auto json = Parse(*bytes);
  if (json && json->is_object()) return json;
  findings.Add(kDamagedFile, uri, "it is not a JSON object");
  return std::nullopt;
}

class TableCheck {
 public:
  TableCheck(ObjectStore& store, const CheckOptions& options, CheckedTable& checked) : options_(options), checked_(checked), files_(store, checked.findings) {}

  void Run(const std::string& metadata_location) {
    const auto metadata = ReadMetadata(files_, metadata_location, checked_.findings);
    if (!metadata) return;
    const TableFacts facts = ReadTableFacts(*metadata);
    CheckMetadata(*metadata, facts, metadata_location, checked_.findings);
    if (facts.location.empty()) return;
    files_.List(facts.location);
    size_t manifests = 0;
    const ManifestsSeen seen = CheckManifests(facts, files_, checked_.findings, [&] { options_.progress("manifests", ++manifests, 0); });
    checked_.snapshots = seen.lists;
    checked_.manifests = seen.manifests;
    checked_.files = seen.files;
    CheckOnce(seen.live);
    CheckFiles(seen.live, facts);
    DeletesUsed used;
    std::unordered_set<std::string_view> vector_files;
    for (const FileFacts& file : seen.live) {
      used.equality = used.equality || file.content == 2;
      used.vectors = used.vectors || file.format == "PUFFIN";
      used.shared_vector_files = used.shared_vector_files || (file.format == "PUFFIN" && !vector_files.insert(file.path).second);
      used.position = used.position || (file.content == 1 && file.format != "PUFFIN");
    }
    for (const Reader reader : options_.readers) CheckReader(reader, facts, used, metadata_location, checked_.findings);
  }

 private:
  void CheckOnce(const std::vector<FileFacts>& live) {
    std::unordered_set<std::string> seen;
    for (const FileFacts& file : live)
      if (!seen.insert(file.content_offset ? fmt::format("{}#{}", file.path, *file.content_offset) : file.path).second)
        checked_.findings.Add(kAddedTwice, file.path, "it is twice among the live files");
  }

  void CheckFiles(const std::vector<FileFacts>& live, const TableFacts& facts) {
    DataFiles data_files;
    for (const FileFacts& file : live)
      if (file.content == 0) data_files.emplace(file.path, &file);
    size_t done = 0;
    for (const FileFacts& file : live) {
      if (options_.stopped()) {
        checked_.stopped = true;
        return;
      }
      options_.progress("files", ++done, live.size());
      (file.content == 0 ? checked_.data_files : checked_.delete_files) += 1;
      if (file.format == "PUFFIN") {
        CheckDeletionVector(file, data_files, files_, checked_.findings);
        continue;
      }
      if (file.format != "PARQUET") continue;
      CheckParquet(file, facts, files_, checked_.findings);
      if (file.content == 1) CheckPositionDeletes(file, data_files, files_, checked_.findings);
      else if (options_.deep) ReadWholeParquet(file, files_, checked_.findings);
    }
  }

  const CheckOptions& options_;
  CheckedTable& checked_;
  LakeFiles files_;
};

}  // namespace

CheckedTable CheckTable(ObjectStore& store, const std::string& metadata_location, const CheckOptions& options) {
  CheckedTable checked;
  TableCheck(store, options, checked).Run(metadata_location);
  return checked;
}

}  // namespace sluice::audit
