#include "sink/lake/table_files.h"

#include <string_view>
#include <unordered_map>

#include "sink/lake/partition_deletes.h"

namespace sluice {

void RowForward::AddAll(int64_t row_count, Roaring& rows) const {
  const uint64_t went = static_cast<uint64_t>(row_count) - left_out.cardinality();
  if (!places) return rows.addRange(first_row, first_row + went);
  for (uint32_t i = 0; i < went; ++i) rows.add((*places)[i]);
}

TableFile TableFileOf(const iceberg::DataFile& file) {
  TableFile known;
  known.path = file.path;
  known.spec_id = file.spec_id;
  known.partition = file.partition;
  known.rows = file.record_count;
  return known;
}

Status LoadTableFiles(ObjectStore& store, iceberg::ManifestReader& reader, const std::vector<iceberg::ManifestFile>& manifests,
                      std::vector<TableFile>& files) {
  ASSIGN_OR_RETURN(const iceberg::TableScan scan, iceberg::PlanScan(manifests, reader));
  return LoadTableFiles(store, scan, files);
}

Status LoadTableFiles(ObjectStore& store, const iceberg::TableScan& scan, std::vector<TableFile>& files) {
  std::unordered_map<std::string, Roaring> deletes;
  for (const iceberg::LiveFile& file : scan.delete_files) RETURN_IF_ERROR(ReadDeletes(store, file.file(), deletes));
  for (const iceberg::ScanFile& scanned : scan.data_files) {
    const iceberg::DataFile& file = scanned.data.file();
    TableFile known = TableFileOf(file);
    known.committed = true;
    if (const auto found = deletes.find(file.path); found != deletes.end()) {
      known.committed_deletes = std::move(found->second);
      known.deleted_count = static_cast<int64_t>(known.committed_deletes.cardinality());
    }
    known.has_vector = iceberg::VectorOf(scan, scanned) != nullptr;
    files.push_back(std::move(known));
  }
  return Ok();
}

}  // namespace sluice
