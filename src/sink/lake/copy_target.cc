#include "sink/lake/copy_target.h"

#include <arrow/array.h>
#include <fmt/format.h>

#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/row_selection.h"

namespace sluice {
namespace {

// Rows that become one row group at a time: readers can spread over groups, and memory stays small.
constexpr size_t kRowGroupBytes = 32 << 20;
// Held between two ranges; many tables may be between ranges at once.
constexpr size_t kParkedBytesMax = 1 << 20;

}  // namespace

CopyFile::CopyFile(const LakeContext& context, LakeSchemaPtr schema, iceberg::PartitionSpec spec, std::string location, RowStamp stamp)
    : context_(context), schema_(std::move(schema)), spec_(std::move(spec)), location_(std::move(location)), stamp_(stamp),
      decoder_(*schema_->source), buffer_(schema_) {}

Status CopyFile::Append(Bytes rows, size_t count) {
  ByteReader reader(rows);
  const TableSchema& source = *schema_->source;
  for (size_t i = 0; i < count; ++i) {
    RETURN_IF_ERROR(decoder_.DecodeCopyRow(reader));
    for (const size_t column : source.key) {
      if (decoder_.cells()[column].is_null())
        return Error{ErrorKind::kNeedsOperator,
                     fmt::format("table {}: a value of key column {} can't be held in the lake", ToString(source.name), source.columns[column].name),
                     slu::kLakeKeyValue};
    }
    buffer_.Append(decoder_.cells(), stamp_);
    if (buffer_.size_bytes() >= kRowGroupBytes) RETURN_IF_ERROR(WriteRows());
  }
  if (!reader.at_end()) return Error{ErrorKind::kCorrupt, fmt::format("table {}: bytes are left over behind the copied rows", ToString(source.name))};
  return Ok();
}

Status CopyFile::WriteRows() {
  if (buffer_.rows() == 0) return Ok();
  const Columns columns = buffer_.Finish();
  const std::vector<PartitionGroup> groups = GroupByPartition(spec_, schema_->iceberg, columns);
  for (const PartitionGroup& group : groups) {
    // With several partitions at once, each gets a file of its own: open files would be without bound.
    if (file_ != nullptr && (groups.size() > 1 || group.tuple != file_tuple_)) RETURN_IF_ERROR(CloseFile());
    if (file_ == nullptr) {
      const std::string uri = NewDataFileUri(context_, location_, iceberg::PartitionPath(spec_, schema_->iceberg, group.tuple));
      ASSIGN_OR_RETURN(file_, DataFileWriter::Open(context_.store, uri, schema_->arrow, context_.parquet()));
      file_tuple_ = group.tuple;
    }
    if (group.rows.empty()) {
      RETURN_IF_ERROR(file_->Write(columns));
    } else {
      ASSIGN_OR_RETURN(const Columns part, TakeRows(columns, group.rows));
      RETURN_IF_ERROR(file_->Write(part));
    }
    if (static_cast<uint64_t>(file_->size_bytes()) >= context_.config.file_bytes_target) RETURN_IF_ERROR(CloseFile());
  }
  return Ok();
}

Status CopyFile::CloseFile() {
  SLUICE_FAILPOINT("lake.copy_file_closing");
  ASSIGN_OR_RETURN(iceberg::DataFile file, file_->Close());
  file_.reset();
  file.spec_id = spec_.id;
  file.partition = file_tuple_;
  closed_.push_back(std::move(file));
  return Ok();
}

Status CopyFile::Park() { return buffer_.size_bytes() < kParkedBytesMax ? Ok() : WriteRows(); }

Status CopyFile::Close() {
  RETURN_IF_ERROR(WriteRows());
  return file_ == nullptr ? Ok() : CloseFile();
}

CopyTarget::CopyTarget(const LakeContext& context, LakeSchemaPtr schema, iceberg::PartitionSpec spec, std::string location, RowStamp stamp)
    : context_(context), schema_(std::move(schema)), spec_(std::move(spec)), location_(std::move(location)), stamp_(stamp) {}

std::unique_ptr<CopyFile> CopyTarget::Borrow() {
  const std::lock_guard lock(mutex_);
  ++borrowed_;
  if (idle_.empty()) return std::make_unique<CopyFile>(context_, schema_, spec_, location_, stamp_);
  std::unique_ptr<CopyFile> file = std::move(idle_.back());
  idle_.pop_back();
  return file;
}

void CopyTarget::Return(std::unique_ptr<CopyFile> file) {
  const std::lock_guard lock(mutex_);
  --borrowed_;
  idle_.push_back(std::move(file));
}

Result<std::vector<iceberg::DataFile>> CopyTarget::Finish() {
  const std::lock_guard lock(mutex_);
  // A range whose writer was given up: its rows would be missing.
  if (borrowed_ != 0)
    return Error{ErrorKind::kUnavailable, fmt::format("table {}: a range of the copy was not finished", ToString(schema_->source->name))};
  std::vector<iceberg::DataFile> files;
  for (const auto& file : idle_) {
    RETURN_IF_ERROR(file->Close());
    for (iceberg::DataFile& closed : file->TakeFiles()) files.push_back(std::move(closed));
  }
  return files;
}

std::vector<PolicyCounts> CopyTarget::TakePolicyCounts() {
  const std::lock_guard lock(mutex_);
  std::vector<PolicyCounts> counts(schema_->source_columns());
  for (const auto& file : idle_) {
    const std::vector<PolicyCounts> of_file = file->TakePolicyCounts();
    for (size_t i = 0; i < counts.size(); ++i) counts[i].Add(of_file[i]);
  }
  return counts;
}

}  // namespace sluice
