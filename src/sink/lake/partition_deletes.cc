#include "sink/lake/partition_deletes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sink/lake/position_deletes.h"

namespace sluice {
namespace {

std::string KeyOf(const iceberg::PartitionTuple& partition) {
  std::string key;
  for (const iceberg::Literal& value : partition) {
    const std::string bytes = iceberg::IsNull(value) ? "" : iceberg::EncodeBound(value);
    key += fmt::format("{}:{}:", iceberg::IsNull(value), bytes.size()) + bytes;
  }
  return key;
}

}  // namespace

Result<std::vector<iceberg::DataFile>> WriteDeletesByPartition(const LakeContext& context, const LakeSchema& schema, const iceberg::PartitionSpec& spec,
                                                               const std::string& location, const std::vector<FileDeletes>& files) {
  std::map<std::pair<int32_t, std::string>, std::vector<const FileDeletes*>> by_partition;
  for (const FileDeletes& file : files) by_partition[{file.spec_id, KeyOf(*file.partition)}].push_back(&file);
  std::vector<iceberg::DataFile> written;
  for (auto& [partition, of_partition] : by_partition) {
    std::sort(of_partition.begin(), of_partition.end(), [](const FileDeletes* a, const FileDeletes* b) { return a->path < b->path; });
    std::vector<DeletedRows> rows;
    for (const FileDeletes* const file : of_partition) rows.push_back({file->path, file->rows});
    const FileDeletes& first = *of_partition.front();
    const std::string folder = first.spec_id == spec.id ? iceberg::PartitionPath(spec, schema.iceberg, *first.partition) : "";
    ASSIGN_OR_RETURN(iceberg::DataFile made, WritePositionDeletes(context.store, NewDataFileUri(context, location, folder, "-deletes"), rows, context.parquet()));
    made.spec_id = first.spec_id;
    made.partition = *first.partition;
    written.push_back(std::move(made));
  }
  return written;
}

}  // namespace sluice
