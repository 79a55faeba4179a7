// How the index follows files that were written again.

#include <string_view>
#include <unordered_map>

#include "base/check.h"
#include "sink/lake/compaction.h"
#include "sink/lake/table_writer.h"

namespace sluice {
namespace {

// Each file that went costs some hundred bytes; from here on the index is built anew, when it is needed next.
constexpr size_t kForwardsMax = 20'000;
// Four bytes each, in files.
constexpr size_t kPlacedRowsMax = 64 << 20;

std::unordered_map<std::string_view, size_t> LiveByPath(const std::vector<TableFile>& files) {
  std::unordered_map<std::string_view, size_t> by_path;
  for (size_t i = 0; i < files.size(); ++i)
    if (!files[i].removed) by_path[files[i].path] = i;
  return by_path;
}

}  // namespace

void TableWriter::AddDeletedSince(const Compaction& compaction, std::vector<Roaring>& deleted) const {
  SLUICE_CHECK(!dirty_);
  const auto by_path = LiveByPath(files_);
  for (const CompactedFile& input : compaction.inputs) {
    const auto found = by_path.find(input.path);
    if (found == by_path.end()) continue;
    for (const uint32_t row : files_[found->second].committed_deletes - input.rows.left_out) deleted[input.rows.file].add(input.rows.RowOf(row));
  }
}

void TableWriter::Compacted(const Compaction& compaction, std::vector<Roaring> deleted, iceberg::ManifestFiles manifests) {
  SLUICE_CHECK(!dirty_);
  manifests_ = std::move(manifests);
  if (!files_loaded_) return;
  const auto by_path = LiveByPath(files_);
  const auto first_output = static_cast<uint32_t>(files_.size());
  for (const CompactedFile& input : compaction.inputs) {
    const auto found = by_path.find(input.path);
    if (found == by_path.end()) continue;  // All its rows were deleted.
    TableFile& file = files_[found->second];
    file.removed = true;
    file.committed_deletes = Roaring();
    if (!input.gave_rows()) continue;
    file.forward = input.rows;
    file.forward->file += first_output;
    ++forwards_;
    if (input.rows.places) placed_rows_ += input.rows.places->size();
  }
  for (const auto& [path, rows] : compaction.unvectored)
    if (const auto found = by_path.find(path); found != by_path.end()) files_[found->second].has_vector = true;
  for (size_t i = 0; i < compaction.outputs.size(); ++i) {
    TableFile file = TableFileOf(compaction.outputs[i]);
    file.committed = true;
    file.deleted_count = static_cast<int64_t>(deleted[i].cardinality());
    file.has_vector = layout_.has_vectors() && file.deleted_count > 0;
    file.committed_deletes = std::move(deleted[i]);
    files_.push_back(std::move(file));
  }
  if (forwards_ <= kForwardsMax && placed_rows_ <= kPlacedRowsMax) return;
  index_.reset();
  files_.clear();
  files_loaded_ = false;
  forwards_ = 0;
  placed_rows_ = 0;
}

}  // namespace sluice
