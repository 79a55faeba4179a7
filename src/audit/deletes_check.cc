#include "audit/deletes_check.h"

#include <arrow/array.h>
#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <zlib.h>

#include "audit/rules.h"

namespace sluice::audit {
namespace {

constexpr std::string_view kPathId = "2147483546", kPosId = "2147483545";
constexpr int64_t kPuffinBytesMax = int64_t{512} << 20;
constexpr std::string_view kPuffinMagic = "PFA1";
constexpr std::string_view kVectorMagic = "\xd1\xd3\x39\x64";

/// What holds of every delete file and a data file that it speaks of.
const FileFacts* FindTarget(const FileFacts& deletes, std::string_view path, const DataFiles& data_files, Findings& findings) {
  const auto found = data_files.find(path);
  if (found == data_files.end()) {
    findings.Add(kDeleteDangling, deletes.path, fmt::format("it deletes rows of {}, which is no live data file", path));
    return nullptr;
  }
  const FileFacts& target = *found->second;
  if (target.spec_id != deletes.spec_id || target.partition != deletes.partition)
    findings.Add(kDeletePartition, deletes.path, fmt::format("it deletes rows of {}, which is in another partition", path));
  if (deletes.sequence_number < target.sequence_number)
    findings.Add(kSequence, deletes.path, fmt::format("its sequence number {} is below that of {}, {}, so that it deletes nothing there", deletes.sequence_number, path, target.sequence_number));
  return &target;
}

/// Goes through the rows in order.
class PositionsCheck {
 public:
  PositionsCheck(const FileFacts& deletes, const DataFiles& data_files, Findings& findings) : deletes_(deletes), data_files_(data_files), findings_(findings) {}

  void Take(std::string_view path, int64_t position) {
    if (!started_ || path != path_) {
      if (started_ && path < path_) Unsorted();
      path_ = path;
      target_ = FindTarget(deletes_, path, data_files_, findings_);
    } else if (position <= position_) {
      Unsorted();
    }
    started_ = true;
    position_ = position;
    if (position < 0 || (target_ != nullptr && position >= target_->record_count))
      findings_.Add(kDeletePosition, deletes_.path, fmt::format("it deletes row {} of {}, which has {} rows", position, path, target_ ? target_->record_count : 0));
    if (deletes_.referenced_file && path != *deletes_.referenced_file)
      findings_.Add(kDeletePartition, deletes_.path, fmt::format("its manifest says that it is about {} alone, but it deletes rows of {}", *deletes_.referenced_file, path));
  }

 private:
  void Unsorted() {
    if (!unsorted_) findings_.Add(kDeleteOrder, deletes_.path, fmt::format("it is not sorted by path and position, or names a row twice, at {}", path_));
    unsorted_ = true;
  }

  const FileFacts& deletes_;
  const DataFiles& data_files_;
  Findings& findings_;
  bool started_ = false, unsorted_ = false;
  std::string path_;
  int64_t position_ = -1;
  const FileFacts* target_ = nullptr;
};

std::string IdOf(const arrow::Field& field) { return field.HasMetadata() ? field.metadata()->Get("PARQUET:field_id").ValueOr("") : ""; }

/// The columns of path and position; -1 where there is none of that id and type.
std::pair<int, int> FindColumns(const arrow::Schema& schema) {
  std::pair<int, int> found{-1, -1};
  for (int i = 0; i < schema.num_fields(); ++i) {
    const arrow::Field& field = *schema.field(i);
    if (IdOf(field) == kPathId && field.type()->id() == arrow::Type::STRING) found.first = i;
    if (IdOf(field) == kPosId && field.type()->id() == arrow::Type::INT64) found.second = i;
  }
  return found;
}

arrow::Status ReadPositions(const FileFacts& deletes, parquet::arrow::FileReader& reader, PositionsCheck& check, Findings& findings) {
  ARROW_ASSIGN_OR_RAISE(const auto batches, reader.GetRecordBatchReader());
  const auto [path_at, position_at] = FindColumns(*batches->schema());
  if (path_at < 0 || position_at < 0) {
    findings.Add(kDeleteSchema, deletes.path, "it has no column file_path (text) or pos (long) under its reserved id");
    return arrow::Status::OK();
  }
  for (std::shared_ptr<arrow::RecordBatch> batch;;) {
    ARROW_RETURN_NOT_OK(batches->ReadNext(&batch));
    if (batch == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(batch->ValidateFull());
    const auto& paths = static_cast<const arrow::StringArray&>(*batch->column(path_at));
    const auto& positions = static_cast<const arrow::Int64Array&>(*batch->column(position_at));
    if (paths.null_count() + positions.null_count() > 0) {
      findings.Add(kDeleteSchema, deletes.path, "a path or position is null");
      return arrow::Status::OK();
    }
    for (int64_t row = 0; row < batch->num_rows(); ++row) check.Take(paths.GetView(row), positions.Value(row));
  }
}

uint32_t BigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

/// The JSON of a Puffin file's footer; nullopt: the container is damaged.
std::optional<Json> ReadPuffinFooter(std::string_view bytes) {
  // magic | blobs | magic | JSON | length of it: int32, little-endian | flags: 4 bytes | magic
  constexpr size_t kTail = 12;
  if (bytes.size() < kTail + 2 * kPuffinMagic.size() || !bytes.starts_with(kPuffinMagic) || !bytes.ends_with(kPuffinMagic)) return std::nullopt;
  const std::string_view tail = bytes.substr(bytes.size() - kTail);
  uint32_t length = 0;
  for (size_t i = 4; i-- > 0;) length = length << 8 | static_cast<unsigned char>(tail[i]);
  if (BigEndian(tail.substr(4)) != 0) return std::nullopt;  // A packed footer, which nobody writes for vectors.
  if (length > bytes.size() - kTail - kPuffinMagic.size()) return std::nullopt;
  const size_t begin = bytes.size() - kTail - length;
  if (bytes.substr(begin - kPuffinMagic.size(), kPuffinMagic.size()) != kPuffinMagic) return std::nullopt;
  return Parse(bytes.substr(begin, length));
}

/// length: uint32, big-endian | magic | bitmap | CRC-32 of magic and bitmap, big-endian
bool IsVector(std::string_view blob) {
  if (blob.size() < 12 || BigEndian(blob) != blob.size() - 8 || blob.substr(4, 4) != kVectorMagic) return false;
  const std::string_view summed = blob.substr(4, blob.size() - 8);
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size()));
  return sum == BigEndian(blob.substr(blob.size() - 4));
}

}  // namespace

void CheckPositionDeletes(const FileFacts& deletes, const DataFiles& data_files, LakeFiles& files, Findings& findings) try {
  auto input = files.store().OpenInput(deletes.path);
  if (!input.ok()) return;  // Was found missing before.
  parquet::arrow::FileReaderBuilder builder;
  if (const auto opened = builder.Open(std::move(*input)); !opened.ok()) return;  // Was found damaged before.
  std::unique_ptr<parquet::arrow::FileReader> reader;
  PositionsCheck check(deletes, data_files, findings);
  auto read = builder.Build(&reader);
  if (read.ok()) read = ReadPositions(deletes, *reader, check, findings);
  if (!read.ok()) findings.Add(kDamagedFile, deletes.path, fmt::format("its rows cannot be read: {}", read.message()));
} catch (const std::exception& error) {
  findings.Add(kDamagedFile, deletes.path, fmt::format("its rows cannot be read: {}", error.what()));
}

void CheckDeletionVector(const FileFacts& vector, const DataFiles& data_files, LakeFiles& files, Findings& findings) {
  const std::string target = vector.referenced_file.value_or("");
  if (const FileFacts* found = FindTarget(vector, target, data_files, findings); found != nullptr && vector.record_count > found->record_count)
    findings.Add(kDeletePosition, vector.path, fmt::format("it deletes {} rows of {}, which has {}", vector.record_count, target, found->record_count));
  const auto bytes = files.Read(vector.path, kPuffinBytesMax, "its manifest");
  if (!bytes) return;
  const auto footer = ReadPuffinFooter(*bytes);
  if (!footer) return findings.Add(kPuffin, vector.path, "it is not framed as a Puffin file");
  const int64_t offset = vector.content_offset.value_or(-1), size = vector.content_size.value_or(-1);
  for (const Json& blob : Array(*footer, "blobs")) {
    if (Number(blob, "offset") != offset || Number(blob, "length") != size) continue;
    const Json* const properties = Member(blob, "properties");
    if (properties == nullptr || Text(*properties, "referenced-data-file") != target || ParseNumber(Text(*properties, "cardinality").value_or("")) != vector.record_count)
      findings.Add(kPuffin, vector.path, "its footer names another data file or number of rows than its manifest");
    const bool inside = offset >= 0 && size >= 0 && offset <= static_cast<int64_t>(bytes->size()) - size;
    if (!inside || !IsVector(std::string_view(*bytes).substr(static_cast<size_t>(offset), static_cast<size_t>(size))))
      findings.Add(kPuffin, vector.path, "its deletion vector is damaged: length, magic or checksum");
    return;
  }
  findings.Add(kPuffin, vector.path, fmt::format("its footer has no blob of {} bytes at {}", size, offset));
}

}  // namespace sluice::audit
