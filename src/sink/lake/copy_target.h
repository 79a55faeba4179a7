#pragma once
// Takes the rows of a table's initial copy into Parquet files of about the target size. Ranges share files: a writer
// that is finished leaves its open file to the next.
//
// A range is durable once files hold it whole and no part of another that is not finished: so what is kept of a copy that
// is interrupted is told between two ranges, each time that about one file has been filled.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "change/copy_state.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/data_file_writer.h"
#include "sink/lake/row_decoder.h"
#include "sink/lake/table_writer.h"

namespace sluice {

/// What all files of one table's copy have in common.
struct CopyLayout : TableLayout {
  LakeSchemaPtr schema;
  RowStamp stamp;  ///< Of every row.
  /// Makes durable that these files hold exactly the rows of these ranges. Thread-safe. Null: nothing is kept.
  std::function<Status(const std::vector<BlockRange>&, const std::vector<iceberg::DataFile>&)> keep;
};

/// One open file with the rows that are not in it yet. Not thread-safe.
class CopyFile {
 public:
  CopyFile(const LakeContext& context, const CopyLayout& layout);

  Status Append(Bytes rows, size_t count);
  /// All rows of a range were appended. Frees their memory, if that is worth a row group of its own.
  Status FinishRange(const std::optional<BlockRange>& range);
  /// Puts everything into closed files.
  Status Close();
  /// The same, and keeps them.
  Status CloseAndKeep();

  /// All that were closed, kept or not.
  std::vector<iceberg::DataFile> TakeFiles();
  std::vector<PolicyCounts> TakePolicyCounts() { return decoder_.TakeCounts(); }

 private:
  Status WriteRows();
  Status CloseFile();
  uint64_t BytesNotKept() const;

  const LakeContext& context_;
  const CopyLayout& layout_;
  RowDecoder decoder_;
  ColumnBuffer buffer_;
  std::unique_ptr<DataFileWriter> file_;
  iceberg::PartitionTuple file_tuple_;
  std::vector<iceberg::DataFile> closed_;
  std::vector<iceberg::DataFile> kept_;
  std::vector<BlockRange> ranges_;  ///< Finished, and not kept yet.
};

/// All files of one table's copy. Thread-safe.
class CopyTarget {
 public:
  /// `context` must outlive it. `kept`: files of an interrupted copy that goes on.
  CopyTarget(const LakeContext& context, CopyLayout layout, std::vector<iceberg::DataFile> kept = {});

  std::unique_ptr<CopyFile> Borrow();
  void Return(std::unique_ptr<CopyFile> file);
  /// Deletes the rows of these keys from all files so far. All that were borrowed must be back. Called once.
  Status RemoveKeys(Bytes keys, size_t count);
  /// Closes all files. All that were borrowed must be back. The result holds delete files too.
  Result<std::vector<iceberg::DataFile>> Finish();
  std::vector<PolicyCounts> TakePolicyCounts();

 private:
  Status RequireAllBack() const;
  void CollectFiles();

  const LakeContext& context_;
  const CopyLayout layout_;

  std::mutex mutex_;  // Guards everything below.
  std::vector<std::unique_ptr<CopyFile>> idle_;
  std::vector<iceberg::DataFile> files_;    // Closed, with rows that RemoveKeys may delete.
  std::vector<iceberg::DataFile> deletes_;
  size_t borrowed_ = 0;
};

}  // namespace sluice
