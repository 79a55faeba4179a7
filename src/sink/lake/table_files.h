#pragma once
// The data files of one table that the key index speaks of, and their rows that are deleted.

#include <roaring/roaring.hh>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "iceberg/data_file.h"
#include "iceberg/manifest_list.h"
#include "iceberg/table_scan.h"
#include "sink/lake/row_places.h"
#include "storage/object_store.h"

namespace sluice {

/// Where the rows of a data file are that was written again: in another one, in their order or in that of the table.
struct RowForward {
  uint32_t file = 0;
  uint32_t first_row = 0;  ///< There, of the first row that went. 0 where there are places.
  Roaring left_out;        ///< Rows of the old file that were deleted by then.
  RowPlacesPtr places;     ///< There, of each row that went; null: they kept their order.

  /// Of a row that was not left out.
  uint32_t RowOf(uint32_t row) const {
    const uint32_t went = row - static_cast<uint32_t>(left_out.rank(row));
    return places ? (*places)[went] : first_row + went;
  }
  /// Adds the new places of all that went, of a file of so many rows.
  void AddAll(int64_t row_count, Roaring& rows) const;
};

struct TableFile {
  std::string path;
  int32_t spec_id = 0;
  iceberg::PartitionTuple partition;
  int64_t rows = 0;
  bool committed = false;
  Roaring committed_deletes;
  bool has_vector = false;    ///< Committed, which the next one takes the place of.
  Roaring new_deletes;        ///< Since the last commit.
  int64_t deleted_count = 0;  ///< Of both kinds.
  bool removed = false;       ///< All rows are deleted or went elsewhere, and a commit said so.
  std::optional<RowForward> forward;
};

/// A file without deletes that is not committed yet.
TableFile TableFileOf(const iceberg::DataFile& file);

/// Appends the live files of a snapshot with their deletes to `files`.
Status LoadTableFiles(ObjectStore& store, iceberg::ManifestReader& reader, const std::vector<iceberg::ManifestFile>& manifests,
                      std::vector<TableFile>& files);
/// The same, of one whose files are known.
Status LoadTableFiles(ObjectStore& store, const iceberg::TableScan& scan, std::vector<TableFile>& files);

}  // namespace sluice
