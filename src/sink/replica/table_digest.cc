#include "sink/replica/table_digest.h"

#include <xxhash.h>

#include "sink/replica/destination_table.h"

namespace sluice {

TupleDigest::TupleDigest(const TableSchema& schema) {
  for (const Column& column : schema.columns) {
    columns_.push_back(OidTranslation::Of(*column.type, {}));
    as_text_.push_back(TravelsAsText(*column.type));
    if (!columns_.back().pass_through() && !as_text_.back()) pass_through_ = false;
  }
}

Status TupleDigest::Row(ByteReader& reader, Bytes all) {
  const size_t begin = all.size() - reader.rest_size();
  const auto fields = reader.Read<int16_t>();
  if (fields < 0 || static_cast<size_t>(fields) != columns_.size())
    return Error{ErrorKind::kCorrupt, "a row has another number of fields than its table"};
  scratch_.clear();
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto length = reader.Read<int32_t>();
    const Bytes value = length < 0 ? Bytes() : reader.ReadBytes(static_cast<size_t>(length));
    if (!reader.ok()) return Error{ErrorKind::kCorrupt, "a row is cut off"};
    if (pass_through_) continue;
    AppendBigEndian<int32_t>(scratch_, length);
    const size_t at = scratch_.size();
    scratch_.append(AsText(value));
    if (length >= 0 && !as_text_[i] && !columns_[i].pass_through())
      RETURN_IF_ERROR(columns_[i].Rewrite(std::as_writable_bytes(std::span(scratch_).subspan(at))));
  }
  // The field count is the same in all rows, so it may be hashed or not; here it is not.
  const Bytes whole = all.subspan(begin + 2, all.size() - reader.rest_size() - begin - 2);
  const Bytes hashed = pass_through_ ? whole : AsBytes(scratch_);
  const XXH128_hash_t hash = XXH3_128bits(hashed.data(), hashed.size());
  ++digest_.rows;
  digest_.sum_low += hash.low64;
  digest_.sum_high += hash.high64 + (digest_.sum_low < hash.low64 ? 1 : 0);
  return Ok();
}

Status TupleDigest::Rows(Bytes rows, size_t count) {
  ByteReader reader(rows);
  for (size_t i = 0; i < count; ++i) RETURN_IF_ERROR(Row(reader, rows));
  return Ok();
}

}  // namespace sluice
