#pragma once
// Takes the rows of a table's initial copy into Parquet files of about the target size. Ranges share files: a writer
// that is finished leaves its open file to the next.

#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/data_file_writer.h"
#include "sink/lake/row_decoder.h"
#include "sink/lake/table_writer.h"

namespace sluice {

/// One open file with the rows that are not in it yet. Not thread-safe.
class CopyFile {
 public:
  CopyFile(const LakeContext& context, LakeSchemaPtr schema, iceberg::PartitionSpec spec, std::string location, RowStamp stamp);

  Status Append(Bytes rows, size_t count);
  /// Frees the memory of the rows so far, if that is worth a row group of its own.
  Status Park();
  /// Puts everything into closed files.
  Status Close();

  std::vector<iceberg::DataFile> TakeFiles() { return std::exchange(closed_, {}); }
  std::vector<PolicyCounts> TakePolicyCounts() { return decoder_.TakeCounts(); }

 private:
  Status WriteRows();
  Status CloseFile();

  const LakeContext& context_;
  const LakeSchemaPtr schema_;
  const iceberg::PartitionSpec spec_;
  const std::string location_;
  const RowStamp stamp_;
  RowDecoder decoder_;
  ColumnBuffer buffer_;
  std::unique_ptr<DataFileWriter> file_;
  iceberg::PartitionTuple file_tuple_;
  std::vector<iceberg::DataFile> closed_;
};

/// All files of one table's copy. Thread-safe.
class CopyTarget {
 public:
  /// `context` must outlive it. `stamp`: of every row.
  CopyTarget(const LakeContext& context, LakeSchemaPtr schema, iceberg::PartitionSpec spec, std::string location, RowStamp stamp);

  std::unique_ptr<CopyFile> Borrow();
  void Return(std::unique_ptr<CopyFile> file);
  /// Closes all files. All that were borrowed must be back.
  Result<std::vector<iceberg::DataFile>> Finish();
  std::vector<PolicyCounts> TakePolicyCounts();

 private:
  const LakeContext& context_;
  const LakeSchemaPtr schema_;
  const iceberg::PartitionSpec spec_;
  const std::string location_;
  const RowStamp stamp_;

  std::mutex mutex_;  // Guards everything below.
  std::vector<std::unique_ptr<CopyFile>> idle_;
  size_t borrowed_ = 0;
};

}  // namespace sluice
