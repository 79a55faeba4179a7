#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "iceberg/manifest_list.h"

namespace sluice::iceberg {

/// A manifest list's bytes, format 2 or 3.
std::string EncodeManifestList(const ManifestListHeader& header,
                               std::span<const ManifestFile> manifests);

/// Reads any writer's manifest list by the schema it carries. `bytes` is not trusted.
/// Error: kCorrupt; kNeedsOperator for a compression we don't know.
Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes);

/// The Avro schema of a manifest list, as it stands in its header.
std::string ManifestListAvroSchema(int32_t format_version);

}  // namespace sluice::iceberg
