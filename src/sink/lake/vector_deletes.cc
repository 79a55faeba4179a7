#include "sink/lake/vector_deletes.h"

#include <fmt/format.h>

namespace sluice {

Result<std::vector<iceberg::DataFile>> WriteDeletionVectors(ObjectStore& store, std::span<const iceberg::DeletedRows> files, const std::function<std::string()>& new_uri) {
  std::vector<iceberg::DataFile> written;
  for (const iceberg::DeletedRows& file : files) {
    iceberg::VectorFile encoded = iceberg::EncodeVectorFile(file);
    iceberg::DataFile& vector = written.emplace_back();
    vector.content = iceberg::FileContent::kPositionDeletes;
    vector.format = "PUFFIN";
    vector.path = new_uri();
    vector.record_count = static_cast<int64_t>(file.rows->cardinality());
    vector.file_size_bytes = static_cast<int64_t>(encoded.bytes.size());
    vector.referenced_data_file = file.path;
    vector.content_offset = encoded.offset;
    vector.content_size_bytes = encoded.size_bytes;
    RETURN_IF_ERROR(store.PutLater(vector.path, std::move(encoded.bytes)));
  }
  return written;
}

Status ReadDeletionVector(ObjectStore& store, const iceberg::DataFile& vector, std::unordered_map<std::string, Roaring>& rows) {
  const int64_t offset = vector.content_offset.value_or(-1), size = vector.content_size_bytes.value_or(-1);
  if (!vector.referenced_data_file || offset < 0 || size < 0 || offset > vector.file_size_bytes || size > vector.file_size_bytes - offset)
    return Error{ErrorKind::kCorrupt, fmt::format("{}: a deletion vector's manifest does not say whose it is and where it lies", vector.path)};
  ASSIGN_OR_RETURN(const std::string blob, store.GetRange(vector.path, offset, size));
  Result<Roaring> decoded = iceberg::DecodeDeletionVector(blob);
  if (!decoded.ok()) return Error{ErrorKind::kCorrupt, fmt::format("{}: {}", vector.path, decoded.error().message)};
  if (static_cast<int64_t>(decoded->cardinality()) != vector.record_count)
    return Error{ErrorKind::kCorrupt, fmt::format("{}: a deletion vector has another number of rows than its manifest says", vector.path)};
  rows[*vector.referenced_data_file] |= *decoded;
  return Ok();
}

}  // namespace sluice
