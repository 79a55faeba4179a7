#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_list.h"

namespace sluice::iceberg {

/// A manifest's bytes, format 2 or 3. `partition_types`: of header.spec, see PartitionTypes.
Result<std::string> EncodeManifest(const ManifestHeader& header,
                                   const std::vector<Type>& partition_types,
                                   std::span<const ManifestEntry> entries);

struct Manifest {
  ManifestHeader header;
  std::vector<ManifestEntry> entries;
};

/// Reads any writer's manifest by the schema it carries, exactly as it stands. `bytes` is not
/// trusted. Error: kCorrupt; kNeedsOperator for a compression or type we don't know.
Result<Manifest> DecodeManifest(std::string_view bytes);

/// Fills in what the entries inherit from the manifest list, spec id included.
void InheritFrom(const ManifestFile& manifest, std::vector<ManifestEntry>& entries);

/// The Avro schema of a manifest, as it stands in its header.
Result<std::string> ManifestAvroSchema(int32_t format_version, const PartitionSpec& spec,
                                       const std::vector<Type>& partition_types);

}  // namespace sluice::iceberg
