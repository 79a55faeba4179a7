#include "sink/lake/copy_target.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <unordered_set>

#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "sink/lake/cell_reader.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/key_codec.h"
#include "sink/lake/partition_deletes.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/row_selection.h"
#include "sink/lake/row_sorter.h"

namespace sluice {
namespace {

// Rows that become one row group at a time: readers can spread over groups, and memory stays small.
constexpr size_t kRowGroupBytes = 32 << 20;
// Held between two ranges; many tables may be between ranges at once.
constexpr size_t kParkedBytesMax = 1 << 20;

struct HashRowKey {
  size_t operator()(const RowKey& key) const { return key.low * 0x9E3779B97F4A7C15ull ^ key.high; }
};
using RowKeys = std::unordered_set<RowKey, HashRowKey>;

/// `keys`: rows of binary COPY of which only the key columns are set.
Result<RowKeys> DecodeKeys(const LakeSchema& schema, Bytes keys, size_t count) {
  RowDecoder decoder(schema);
  KeyCodec codec(schema);
  RowKeys decoded;
  ByteReader reader(keys);
  for (size_t i = 0; i < count; ++i) {
    RETURN_IF_ERROR(decoder.DecodeCopyRow(reader));
    decoded.insert(codec.Encode(decoder.cells()));
  }
  return decoded;
}

Status FindRows(ObjectStore& store, const std::string& path, const LakeSchema& schema, const RowKeys& keys, Roaring& rows) {
  KeyCodec codec(schema);
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const size_t column : codec.columns()) fields.push_back(schema.arrow->field(static_cast<int>(column)));
  std::vector<CellReader> readers(fields.size());
  std::vector<Cell> cells(fields.size());
  return ReadDataFile(store, path, fields, [&](const Columns& columns, int64_t first) -> Status {
    for (int64_t i = 0; i < columns[0]->length(); ++i) {
      for (size_t k = 0; k < readers.size(); ++k) readers[k].Read(*columns[k], i, cells[k]);
      if (keys.contains(codec.EncodeKeyCells(cells))) rows.add(static_cast<uint32_t>(first + i));
    }
    return Ok();
  });
}

}  // namespace

CopyFile::CopyFile(const LakeContext& context, const CopyLayout& layout)
    : context_(context), layout_(layout), decoder_(*layout.schema), buffer_(layout.schema) {}

Status CopyFile::Append(Bytes rows, size_t count) {
  ByteReader reader(rows);
  const TableSchema& source = *layout_.schema->source;
  while (count > 0) {
    ASSIGN_OR_RETURN(const size_t taken, decoder_.DecodeCopyRows(reader, count, layout_.stamp, buffer_));
    count -= taken;
    for (const size_t column : source.key) {
      if (buffer_.column(column).null_count() > 0)
        return Error{ErrorKind::kNeedsOperator,
                     fmt::format("table {}: a value of key column {} can't be held in the lake", ToString(source.name), source.columns[column].name),
                     slu::kLakeKeyValue};
    }
    if (buffer_.size_bytes() >= kRowGroupBytes) RETURN_IF_ERROR(WriteRows());
  }
  if (!reader.at_end()) return Error{ErrorKind::kCorrupt, fmt::format("table {}: bytes are left over behind the copied rows", ToString(source.name))};
  return Ok();
}

Status CopyFile::WriteRows() {
  if (buffer_.rows() == 0) return Ok();
  const Columns columns = buffer_.Finish();
  // It is better closed between two ranges, so one may exceed the target by as much.
  const uint64_t limit = layout_.file_bytes_target * (layout_.keep ? 2 : 1);
  const std::vector<PartitionGroup> groups = GroupByPartition(layout_.spec, layout_.schema->iceberg, columns);
  for (const PartitionGroup& group : groups) {
    // With several partitions at once, each gets a file of its own: open files would be without bound.
    if (file_ != nullptr && (groups.size() > 1 || group.tuple != file_tuple_)) RETURN_IF_ERROR(CloseFile());
    if (file_ == nullptr) {
      const std::string uri = NewDataFileUri(context_, layout_.location, iceberg::PartitionPath(layout_.spec, layout_.schema->iceberg, group.tuple));
      ASSIGN_OR_RETURN(file_, DataFileWriter::Open(context_.store, uri, layout_.schema->arrow, context_.parquet()));
      file_tuple_ = group.tuple;
    }
    std::vector<int64_t> rows = group.rows;
    SortRows(layout_.sort, layout_.schema->iceberg, columns, rows);
    if (rows.empty()) {
      RETURN_IF_ERROR(file_->Write(columns));
    } else {
      ASSIGN_OR_RETURN(const Columns part, TakeRows(columns, rows));
      RETURN_IF_ERROR(file_->Write(part));
    }
    // Rows are in order as far as they were in memory together; compaction merges such files.
    if (layout_.is_sorted() || static_cast<uint64_t>(file_->size_bytes()) >= limit) RETURN_IF_ERROR(CloseFile());
  }
  return Ok();
}

Status CopyFile::CloseFile() {
  SLUICE_FAILPOINT("lake.copy_file_closing");
  ASSIGN_OR_RETURN(iceberg::DataFile file, file_->Close());
  file_.reset();
  file.spec_id = layout_.spec.id;
  file.partition = file_tuple_;
  if (layout_.is_sorted()) file.sort_order_id = layout_.sort.id;
  closed_.push_back(std::move(file));
  return Ok();
}

uint64_t CopyFile::BytesNotKept() const {
  uint64_t bytes = file_ == nullptr ? 0 : static_cast<uint64_t>(file_->size_bytes());
  for (const iceberg::DataFile& file : closed_) bytes += static_cast<uint64_t>(file.file_size_bytes);
  return bytes;
}

Status CopyFile::FinishRange(const std::optional<BlockRange>& range) {
  if (buffer_.size_bytes() >= kParkedBytesMax) RETURN_IF_ERROR(WriteRows());
  if (!range || !layout_.keep) return Ok();
  ranges_.push_back(*range);
  return BytesNotKept() < layout_.file_bytes_target ? Ok() : CloseAndKeep();
}

Status CopyFile::Close() {
  RETURN_IF_ERROR(WriteRows());
  return file_ == nullptr ? Ok() : CloseFile();
}

Status CopyFile::CloseAndKeep() {
  RETURN_IF_ERROR(Close());
  if (ranges_.empty() || !layout_.keep) return Ok();
  RETURN_IF_ERROR(layout_.keep(ranges_, closed_));
  ranges_.clear();
  for (iceberg::DataFile& file : closed_) kept_.push_back(std::move(file));
  closed_.clear();
  return Ok();
}

std::vector<iceberg::DataFile> CopyFile::TakeFiles() {
  std::vector<iceberg::DataFile> files = std::exchange(kept_, {});
  for (iceberg::DataFile& file : closed_) files.push_back(std::move(file));
  closed_.clear();
  return files;
}

CopyTarget::CopyTarget(const LakeContext& context, CopyLayout layout, std::vector<iceberg::DataFile> kept)
    : context_(context), layout_(std::move(layout)), files_(std::move(kept)) {
  for (iceberg::DataFile& file : files_) file.spec_id = layout_.spec.id;
}

std::unique_ptr<CopyFile> CopyTarget::Borrow() {
  const std::lock_guard lock(mutex_);
  ++borrowed_;
  if (idle_.empty()) return std::make_unique<CopyFile>(context_, layout_);
  std::unique_ptr<CopyFile> file = std::move(idle_.back());
  idle_.pop_back();
  return file;
}

void CopyTarget::Return(std::unique_ptr<CopyFile> file) {
  const std::lock_guard lock(mutex_);
  --borrowed_;
  idle_.push_back(std::move(file));
}

// A range whose writer was given up: its rows would be missing.
Status CopyTarget::RequireAllBack() const {
  if (borrowed_ == 0) return Ok();
  return Error{ErrorKind::kUnavailable, fmt::format("table {}: a range of the copy was not finished", ToString(layout_.schema->source->name))};
}

void CopyTarget::CollectFiles() {
  for (const auto& file : idle_)
    for (iceberg::DataFile& closed : file->TakeFiles()) files_.push_back(std::move(closed));
}

Status CopyTarget::RemoveKeys(Bytes keys, size_t count) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(RequireAllBack());
  for (const auto& file : idle_) RETURN_IF_ERROR(file->CloseAndKeep());
  CollectFiles();
  const LakeSchema& schema = *layout_.schema;
  ASSIGN_OR_RETURN(const RowKeys removed, DecodeKeys(schema, keys, count));
  std::vector<Roaring> rows(files_.size());
  std::vector<FileDeletes> deletes;
  for (size_t i = 0; i < files_.size(); ++i) {
    RETURN_IF_ERROR(FindRows(context_.store, files_[i].path, schema, removed, rows[i]));
    if (!rows[i].isEmpty()) deletes.push_back({files_[i].path, files_[i].spec_id, &files_[i].partition, &rows[i]});
  }
  ASSIGN_OR_RETURN(deletes_, WriteDeletesByPartition(context_, layout_, schema.iceberg, deletes));
  return Ok();
}

Result<std::vector<iceberg::DataFile>> CopyTarget::Finish() {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(RequireAllBack());
  for (const auto& file : idle_) RETURN_IF_ERROR(file->Close());
  CollectFiles();
  std::vector<iceberg::DataFile> files = std::move(files_);
  for (iceberg::DataFile& file : deletes_) files.push_back(std::move(file));
  return files;
}

std::vector<PolicyCounts> CopyTarget::TakePolicyCounts() {
  const std::lock_guard lock(mutex_);
  std::vector<PolicyCounts> counts(layout_.schema->source_columns());
  for (const auto& file : idle_) {
    const std::vector<PolicyCounts> of_file = file->TakePolicyCounts();
    for (size_t i = 0; i < counts.size(); ++i) counts[i].Add(of_file[i]);
  }
  return counts;
}

}  // namespace sluice
