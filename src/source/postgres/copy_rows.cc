#include "source/postgres/copy_rows.h"

#include <algorithm>
#include <string_view>

#include "observability/errors/source_codes.h"

namespace sluice {
namespace {

constexpr size_t kBlockBytes = 32u << 10;
constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);

Error Malformed(const char* what) { return Error{ErrorKind::kCorrupt, what, slu::kStreamCorrupt}; }

/// The size of the header at the start of `bytes`; 0: malformed.
size_t MeasureHeader(Bytes bytes) {
  ByteReader reader(bytes);
  if (AsText(reader.ReadBytes(kSignature.size())) != kSignature) return 0;
  const auto flags = reader.Read<uint32_t>();
  reader.ReadBytes(reader.Read<uint32_t>());
  // Flag bits from 16 up change how rows are read.
  if (!reader.ok() || (flags & 0xffff0000u) != 0) return 0;
  return bytes.size() - reader.rest_size();
}

/// The size of the row of `columns` fields at the start of `bytes`; 0: malformed.
size_t MeasureRow(Bytes bytes, size_t columns) {
  if (bytes.size() < 2 || LoadBigEndian<uint16_t>(bytes.data()) != columns) return 0;
  size_t at = 2;
  for (size_t i = 0; i < columns; ++i) {
    if (bytes.size() - at < 4) return 0;
    const auto length = LoadBigEndian<int32_t>(bytes.data() + at);
    at += 4;
    if (length < 0) {
      if (length != -1) return 0;
      continue;
    }
    if (static_cast<size_t>(length) > bytes.size() - at) return 0;
    at += static_cast<size_t>(length);
  }
  return at;
}

}  // namespace

std::string AsCopied(const Column& column, std::string value) {
  if (column.type && !column.type->has_binary) value += "::pg_catalog.text";
  return value;
}

Status CopyRows::Add(Bytes message) {
  if (!header_seen_) {
    const size_t header = MeasureHeader(message);
    if (header == 0) return Malformed("malformed header of binary COPY");
    header_seen_ = true;
    message = message.subspan(header);
  }
  // The server sends one row per message, and the header before the first; we rely only on whole rows.
  while (!message.empty()) {
    if (trailer_seen_) return Malformed("binary COPY goes on behind its end");
    if (message.size() == 2 && LoadBigEndian<int16_t>(message.data()) == -1) {
      trailer_seen_ = true;
      return Ok();
    }
    const size_t size = MeasureRow(message, columns_);
    if (size == 0) return Malformed("malformed row in binary COPY");
    if (block_.capacity() == 0) block_.reserve(kBlockBytes + kBlockBytes / 8);
    block_.insert(block_.end(), message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    ++block_rows_;
    ++rows_;
    message = message.subspan(size);
    if (block_.size() >= kBlockBytes) RETURN_IF_ERROR(Flush());
  }
  return Ok();
}

Status CopyRows::Finish() {
  if (!trailer_seen_) return Malformed("binary COPY ended without its trailer");
  return block_rows_ > 0 ? Flush() : Ok();
}

Status CopyRows::Flush() {
  RETURN_IF_ERROR(receiver_.Rows(block_, block_rows_));
  block_.clear();
  block_rows_ = 0;
  return Ok();
}

}  // namespace sluice
