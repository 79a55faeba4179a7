#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

/// By what a version of a row came, for tables of changes.
enum class VersionKind : uint8_t {
  kCopy,      ///< It was there when the table's changes began.
  kInsert,
  kUpdate,
  kDelete,    ///< Has the key, or what the source sends of the old row.
  kTruncate,  ///< Of all rows; has no values.
  kRepair,    ///< Set right by verify.
  kKnown,     ///< The table of changes has it from before a crash.
};

/// As the column _op has it.
constexpr std::string_view ToString(VersionKind kind) {
  switch (kind) {
    case VersionKind::kCopy: return "copy";
    case VersionKind::kInsert: return "insert";
    case VersionKind::kUpdate: return "update";
    case VersionKind::kDelete: return "delete";
    case VersionKind::kTruncate: return "truncate";
    case VersionKind::kRepair: return "repair";
    case VersionKind::kKnown: break;
  }
  return "";
}

struct RowVersion {
  VersionKind kind = VersionKind::kInsert;
  int64_t sequence = 0;  ///< Among those of the table with the same LSN.
};

}  // namespace sluice
