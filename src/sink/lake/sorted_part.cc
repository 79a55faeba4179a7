#include "sink/lake/sorted_part.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/util/byte_size.h>

#include "sink/lake/row_selection.h"
#include "storage/arrow_error.h"

namespace sluice {

void SortedPart::Add(Columns columns, std::vector<uint32_t> places) {
  Piece& piece = pieces_.emplace_back(Piece{std::move(columns), std::move(places)});
  for (const auto& column : piece.columns) piece.bytes += arrow::util::TotalBufferSize(*column);
  bytes_ += piece.bytes;
}

Status SortedPart::KeepBelow(uint32_t end) {
  std::vector<Piece> before = std::exchange(pieces_, {});
  bytes_ = 0;
  for (Piece& piece : before) {
    std::vector<int64_t> rows;
    std::vector<uint32_t> places;
    for (size_t i = 0; i < piece.places.size(); ++i) {
      if (piece.places[i] >= end) continue;
      rows.push_back(static_cast<int64_t>(i));
      places.push_back(piece.places[i]);
    }
    if (rows.empty()) continue;
    ASSIGN_OR_RETURN(Columns kept, TakeRows(piece.columns, rows));
    Add(std::move(kept), std::move(places));
    piece = {};
  }
  return Ok();
}

Result<Columns> SortedPart::InOrder(uint32_t begin, uint32_t end) {
  std::vector<int64_t> at(end - begin, -1);  // Of each place, among all rows one piece after another.
  int64_t row = 0;
  for (const Piece& piece : pieces_)
    for (const uint32_t place : piece.places) at[place - begin] = row++;
  // Each place was asked for once, so that another number means a file that changed between two readings.
  if (row != static_cast<int64_t>(at.size())) return Error{ErrorKind::kCorrupt, "a data file has other rows than when it was read before"};
  Columns columns;
  for (size_t i = 0; i < pieces_.front().columns.size(); ++i) {
    arrow::ArrayVector chunks;
    for (Piece& piece : pieces_) chunks.push_back(std::move(piece.columns[i]));
    auto whole = arrow::Concatenate(chunks);
    RETURN_IF_ERROR(FromArrow(whole.status(), "merging files"));
    chunks.clear();
    ASSIGN_OR_RETURN(auto sorted, TakeRows(*whole, at));
    columns.push_back(std::move(sorted));
  }
  return columns;
}

}  // namespace sluice
