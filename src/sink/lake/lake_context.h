#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.h"
#include "iceberg/manifest_cache.h"
#include "sink/lake/data_file_writer.h"
#include "sink/lake/key_index_space.h"
#include "storage/object_store.h"

namespace sluice {

/// What the writers of all tables share. All must outlive them.
struct LakeContext {
  ObjectStore& store;
  iceberg::ManifestReader& manifests;
  const LakeConfig& config;
  KeyIndexSpace& index_space;
  uint64_t epoch = 0;

  ParquetOptions parquet() const { return {config.compression, config.compression_level}; }
};

/// Where a new data file goes: below the table's data folder and its partition.
std::string NewDataFileUri(const LakeContext& context, const std::string& location, const std::string& partition_path,
                           std::string_view ending = ".parquet");

}  // namespace sluice
