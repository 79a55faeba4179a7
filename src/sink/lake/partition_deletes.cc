#include "sink/lake/partition_deletes.h"

#include <algorithm>
#include <map>
#include <span>

#include "sink/lake/position_deletes.h"
#include "sink/lake/vector_deletes.h"

namespace sluice {

namespace {

Result<std::vector<iceberg::DataFile>> WriteDeletes(const LakeContext& context, const TableLayout& layout, const std::string& folder, std::span<const iceberg::DeletedRows> rows) {
  if (layout.has_vectors()) return WriteDeletionVectors(context.store, rows, [&] { return NewDataFileUri(context, layout.location, folder, "-deletes.puffin"); });
  ASSIGN_OR_RETURN(iceberg::DataFile written, WritePositionDeletes(context.store, NewDataFileUri(context, layout.location, folder, "-deletes.parquet"), rows, context.parquet()));
  std::vector<iceberg::DataFile> files;
  files.push_back(std::move(written));
  return files;
}

}  // namespace

Result<std::vector<iceberg::DataFile>> WriteDeletesByPartition(const LakeContext& context, const TableLayout& layout, const iceberg::Schema& schema,
                                                               const std::vector<FileDeletes>& files) {
  std::map<std::string, std::vector<const FileDeletes*>> by_partition;
  for (const FileDeletes& file : files) by_partition[iceberg::PartitionKey(file.spec_id, *file.partition)].push_back(&file);
  std::vector<iceberg::DataFile> written;
  for (auto& [key, of_partition] : by_partition) {
    std::sort(of_partition.begin(), of_partition.end(), [](const FileDeletes* a, const FileDeletes* b) { return a->path < b->path; });
    std::vector<iceberg::DeletedRows> rows;
    for (const FileDeletes* const file : of_partition) rows.push_back({file->path, file->rows});
    const FileDeletes& first = *of_partition.front();
    const std::string folder = first.spec_id == layout.spec.id ? iceberg::PartitionPath(layout.spec, schema, *first.partition) : "";
    ASSIGN_OR_RETURN(std::vector<iceberg::DataFile> made, WriteDeletes(context, layout, folder, rows));
    for (iceberg::DataFile& file : made) {
      file.spec_id = first.spec_id;
      file.partition = *first.partition;
      written.push_back(std::move(file));
    }
  }
  return written;
}

Status ReadDeletes(ObjectStore& store, const iceberg::DataFile& deletes, std::unordered_map<std::string, Roaring>& rows) {
  return deletes.is_vector() ? ReadDeletionVector(store, deletes, rows) : ReadPositionDeletes(store, deletes.path, rows);
}

}  // namespace sluice
