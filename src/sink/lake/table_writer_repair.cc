// How single rows of a table are put right.

#include "observability/errors/verify_codes.h"
#include "sink/lake/table_writer.h"

namespace sluice {

// Before anything is changed: what a text does not tell can't be held.
Status TableWriter::CheckDecodes(const RowRepair& repair) {
  for (const RowRepair::Row& row : repair.rows) {
    for (const std::byte* tuple : {repair.key(row), repair.tuple(row)}) {
      if (tuple == nullptr) continue;
      decoder_->Reset();
      Status decoded = decoder_->DecodeTuple(tuple);
      if (decoded.ok()) continue;
      Error error = std::move(decoded).error();
      error.kind = ErrorKind::kNeedsOperator;
      error.code = slu::kRepairRefused;
      return error;
    }
  }
  decoder_->TakeCounts();  // Counted when they are written.
  return Ok();
}

Status TableWriter::Replace(const RowRepair& repair, const RowStamp& stamp) {
  RETURN_IF_ERROR(CheckDecodes(repair));
  RETURN_IF_ERROR(EnsureIndex());
  for (const RowRepair::Row& row : repair.rows) {
    dirty_ = true;
    decoder_->Reset();
    RETURN_IF_ERROR(decoder_->DecodeTuple(repair.key(row)));
    const RowKey key = codec_->Encode(decoder_->cells());
    while (const auto found = index_->Find(key)) Remove(key, *found);
    if (const std::byte* tuple = repair.tuple(row)) RETURN_IF_ERROR(Insert(tuple, stamp, VersionKind::kRepair));
    else AppendDead(stamp, VersionKind::kDelete);
  }
  return Ok();
}

}  // namespace sluice
