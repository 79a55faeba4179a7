#include "sink/lake/partition_deletes.h"

#include <algorithm>
#include <map>

#include "sink/lake/position_deletes.h"

namespace sluice {

Result<std::vector<iceberg::DataFile>> WriteDeletesByPartition(const LakeContext& context, const iceberg::Schema& schema, const iceberg::PartitionSpec& spec,
                                                               const std::string& location, const std::vector<FileDeletes>& files) {
  std::map<std::string, std::vector<const FileDeletes*>> by_partition;
  for (const FileDeletes& file : files) by_partition[iceberg::PartitionKey(file.spec_id, *file.partition)].push_back(&file);
  std::vector<iceberg::DataFile> written;
  for (auto& [key, of_partition] : by_partition) {
    std::sort(of_partition.begin(), of_partition.end(), [](const FileDeletes* a, const FileDeletes* b) { return a->path < b->path; });
    std::vector<DeletedRows> rows;
    for (const FileDeletes* const file : of_partition) rows.push_back({file->path, file->rows});
    const FileDeletes& first = *of_partition.front();
    const std::string folder = first.spec_id == spec.id ? iceberg::PartitionPath(spec, schema, *first.partition) : "";
    ASSIGN_OR_RETURN(iceberg::DataFile made, WritePositionDeletes(context.store, NewDataFileUri(context, location, folder, "-deletes"), rows, context.parquet()));
    made.spec_id = first.spec_id;
    made.partition = *first.partition;
    written.push_back(std::move(made));
  }
  return written;
}

}  // namespace sluice
