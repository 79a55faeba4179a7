#pragma once
// One value in the lake's representation, on its way from the wire or a Parquet file.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

enum class CellKind : uint8_t { kNull, kInteger, kDecimal, kBytes, kList };

/// Views end with the bytes or the scratch space that they were made from.
struct Cell {
  CellKind kind = CellKind::kNull;
  int64_t integer = 0;         ///< boolean, int, long, date, timestamps; the bits of float and double.
  __int128 decimal = 0;        ///< Unscaled.
  std::string_view bytes;      ///< string, uuid, binary.
  std::span<const Cell> items; ///< Of a list.

  bool is_null() const { return kind == CellKind::kNull; }
  static Cell Integer(int64_t value) {
    Cell cell;
    cell.kind = CellKind::kInteger;
    cell.integer = value;
    return cell;
  }
  static Cell Decimal(__int128 value) {
    Cell cell;
    cell.kind = CellKind::kDecimal;
    cell.decimal = value;
    return cell;
  }
  static Cell Of(std::string_view bytes) {
    Cell cell;
    cell.kind = CellKind::kBytes;
    cell.bytes = bytes;
    return cell;
  }
};

/// Appends a form in which two cells of one type are equal exactly where their bytes are, and which tells
/// where it ends: keys and row digests are hashes of it.
void AppendCanonical(const Cell& cell, std::string& out);

}  // namespace sluice
