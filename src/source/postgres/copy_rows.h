#pragma once
// Binary COPY as the server sends it: whole rows out of CopyData messages.
//
//   file header:  "PGCOPY\n\377\r\n\0" | flags: int32 | extension length: int32 | extension
//   row:          fields: int16 | for each: length: int32 (-1: null) | bytes
//   trailer:      -1: int16
// Source: PostgreSQL manual, COPY, "Binary Format".

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/row_receiver.h"
#include "change/table_schema.h"

namespace sluice {

/// The SQL expression of a column's value so that COPY can send it: types without a binary form go as text.
std::string AsCopied(const Column& column, std::string value);

/// Gathers rows into blocks of about 256 KiB and hands them on.
class CopyRows {
 public:
  CopyRows(size_t columns, RowReceiver& receiver) : columns_(columns), receiver_(receiver) {}

  /// Takes one CopyData message. Error: kCorrupt (2301), or the receiver's.
  Status Add(Bytes message);
  /// After the last message: hands the rest over. Error: kCorrupt if the trailer is missing.
  Status Finish();

  uint64_t rows() const { return rows_; }

 private:
  Status Flush();

  const size_t columns_;
  RowReceiver& receiver_;
  std::vector<std::byte> block_;
  size_t block_rows_ = 0;
  uint64_t rows_ = 0;
  bool header_seen_ = false;
  bool trailer_seen_ = false;
};

}  // namespace sluice
