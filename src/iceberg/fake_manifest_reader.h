#pragma once
// For tests: the files of commits in memory, and what was read of them.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "iceberg/format_error.h"
#include "iceberg/manifest_avro.h"
#include "iceberg/manifest_cache.h"
#include "iceberg/manifest_list_avro.h"

namespace sluice::iceberg {

class FakeManifestReader final : public ManifestReader {
 public:
  Result<ManifestEntries> ReadManifest(const ManifestFile& manifest) override {
    reads.insert(manifest.path);
    const auto found = objects.find(manifest.path);
    if (found == objects.end()) return Corrupt("there is no " + manifest.path);
    ASSIGN_OR_RETURN(Manifest decoded, DecodeManifest(found->second));
    InheritFrom(manifest, decoded.entries);
    return std::make_shared<const std::vector<ManifestEntry>>(std::move(decoded.entries));
  }

  Result<ManifestFiles> ReadManifestList(const std::string& uri) override {
    reads.insert(uri);
    const auto found = objects.find(uri);
    if (found == objects.end()) return Corrupt("there is no " + uri);
    ASSIGN_OR_RETURN(std::vector<ManifestFile> manifests, DecodeManifestList(found->second));
    return std::make_shared<const std::vector<ManifestFile>>(std::move(manifests));
  }

  std::map<std::string, std::string> objects;
  std::set<std::string> reads;
};

}  // namespace sluice::iceberg
