#pragma once
// The changes of one table since the last commit: open rows, files that are not committed yet, deletes, and the
// index that finds the rows to delete.

#include <roaring/roaring.hh>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "change/change_batch.h"
#include "iceberg/snapshot_producer.h"
#include "sink/lake/changes_writer.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/key_codec.h"
#include "sink/lake/key_index.h"
#include "sink/lake/lake_context.h"
#include "sink/lake/row_decoder.h"
#include "sink/lake/row_version.h"
#include "sink/lake/table_files.h"
#include "sink/lake/table_layout.h"
#include "sink/lake/unchanged_values.h"
#include "sink/row_repair.h"

namespace sluice {

struct Compaction;
struct FileDeletes;

/// Not thread-safe; writers of different tables may work at once.
class TableWriter {
 public:
  /// `context` must outlive the writer. `manifests`: of the table's current snapshot, also after each commit.
  TableWriter(const LakeContext& context, LakeSchemaPtr schema, TableLayout layout, iceberg::ManifestFiles manifests);

  /// Every version from here on goes there too, also what is superseded before it is committed. Must outlive the writer. Only while no
  /// row is open.
  void TellChanges(ChangesWriter* changes) { changes_ = changes; }

  /// Applies one change in order. Error: kNeedsOperator (4108 key that can't be held, 4110 row missing), kCorrupt.
  Status Apply(const ChangeBatch& batch, const Change& change, const RowStamp& stamp);

  /// Makes what stands under the keys exactly the rows given, however many rows stand there.
  /// Error: kNeedsOperator (7009): a value can't be taken, and nothing was changed.
  Status Replace(const RowRepair& repair, const RowStamp& stamp);

  /// Writes the open rows into data files, which frees their memory. Nothing is visible by that.
  Status Flush();

  /// Flushes, writes the delete files, and says what a commit has to change.
  Result<iceberg::TableChange> Prepare();

  /// The commit of what Prepare said succeeded.
  void Committed(iceberg::ManifestFiles manifests);

  /// Adds the rows that were deleted since files were written again, by output; not those of files that are gone. Only
  /// while nothing is dirty.
  void AddDeletedSince(const Compaction& compaction, std::vector<Roaring>& deleted) const;
  /// The commit that put its outputs in place, with these rows deleted, succeeded.
  void Compacted(const Compaction& compaction, std::vector<Roaring> deleted, iceberg::ManifestFiles manifests);

  /// The table's schema is another from here on, and its order if that lost a column. Only right after Flush.
  void ChangeSchema(LakeSchemaPtr schema, iceberg::SortOrder sort);

  bool dirty() const { return dirty_; }
  /// All live files with their deletes, which the index needs.
  bool knows_files() const { return files_loaded_; }
  size_t size_bytes() const {
    return buffer_->size_bytes() + unchanged_.size_bytes() + keys_.size() * sizeof(RowKey) + versions_.size() * sizeof(RowVersion);
  }
  const LakeSchema& schema() const { return *schema_; }
  /// Since the last call, per column.
  std::vector<PolicyCounts> TakePolicyCounts() { return decoder_->TakeCounts(); }
  /// Files that were written and are not wanted any more, though no commit ever named them.
  std::vector<std::string> TakeGarbage() { return std::exchange(garbage_, {}); }

 private:
  Status Insert(const std::byte* tuple, const RowStamp& stamp, VersionKind kind);
  Status Update(const ChangeBatch& batch, const Change& change, const RowStamp& stamp);
  Status Delete(const ChangeBatch& batch, const Change& change, const RowStamp& stamp);
  Status Truncate(const RowStamp& stamp);
  Result<std::optional<RowKey>> DecodeUpdate(const ChangeBatch& batch, const Change& change);

  Status CheckDecodes(const RowRepair& repair);
  Status EnsureIndex();
  Status SettleIndex() { return index_ ? index_->Settle() : Ok(); }
  Result<RowKey> KeyOfCells();
  Result<RowLocation> Locate(const RowKey& key, std::string_view operation) const;
  void AppendRow(const RowKey& key, const RowStamp& stamp, VersionKind kind);
  void AppendDead(const RowStamp& stamp, VersionKind kind);
  Result<Columns> TakeOpenRows();
  RowLocation Resolve(RowLocation at) const;
  void Remove(const RowKey& key, RowLocation indexed);
  Status WriteGroup(const iceberg::PartitionTuple& tuple, const Columns& columns, const std::vector<int64_t>& open_rows);
  void ResolveDuplicates();
  Status PrepareDeletes(iceberg::TableChange& change);
  Status DropDanglingPositions(iceberg::TableChange& change, std::vector<FileDeletes>& deletes, std::deque<Roaring>& merged);
  void Reset();

  const LakeContext& context_;
  LakeSchemaPtr schema_;
  TableLayout layout_;
  iceberg::ManifestFiles manifests_;

  std::unique_ptr<RowDecoder> decoder_;
  std::unique_ptr<KeyCodec> codec_;

  // Open rows, by their number in buffer_.
  std::unique_ptr<ColumnBuffer> buffer_;
  std::vector<RowKey> keys_;
  Roaring dead_rows_;
  UnchangedValues unchanged_;
  std::vector<RowVersion> versions_;  ///< Of each, where changes are told.

  // Files, by their number in the index.
  std::vector<TableFile> files_;
  bool files_loaded_ = false;  ///< files_ holds all live files, not only those written since the last commit.
  std::vector<std::pair<uint32_t, iceberg::DataFile>> new_files_;
  std::unique_ptr<KeyIndex> index_;
  std::vector<RowKey> doubled_keys_;  ///< Inserted while another row had them: must be single again at the commit.

  ChangesWriter* changes_ = nullptr;  ///< Null: nobody wants them.

  std::vector<std::string> garbage_;
  size_t forwards_ = 0;       ///< Of files_.
  size_t placed_rows_ = 0;    ///< Whose new places these hold.
  bool truncated_ = false;
  bool dirty_ = false;
};

}  // namespace sluice
