#pragma once
// What a source table looked like when a destination was last brought to it. pgoutput carries no DDL, so what a
// stream cannot tell is found by comparing: rows that were rewritten, partitions that came or went with rows, labels
// that were renamed. Kept with each copy, so that a change made while nobody looked is found too.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_schema.h"

namespace sluice {

struct TableDefinition;

struct TableFingerprint {
  struct File {
    Oid leaf = 0;
    Oid node = 0;  ///< pg_class.relfilenode: another one after a rewrite, TRUNCATE or VACUUM FULL.

    bool operator==(const File&) const = default;
  };

  uint64_t columns = 0;          ///< Hash of the columns with the transactions that changed them last.
  uint64_t structure = 0;        ///< Hash of keys, constraints, indexes, partitions and generated columns.
  uint64_t composites = 0;       ///< Hash of the fields of composite types among the columns'.
  std::vector<uint32_t> labels;  ///< Hashes of the labels of enums among the columns', sorted.
  std::vector<File> files;       ///< Of the tables that hold rows, by OID.
  bool append_only = false;      ///< Without row identity: its updates and deletes are not streamed.

  bool operator==(const TableFingerprint&) const = default;
};

/// For a property or a column: letters, digits and blanks.
std::string ToText(const TableFingerprint& fingerprint);
/// nullopt: not ours.
std::optional<TableFingerprint> ParseFingerprint(std::string_view text);

TableFingerprint FingerprintOf(const TableDefinition& table);

/// As ToText of the fingerprint, and for partitions when each was attached: what must be the same for a copy to go on.
std::string CopyFingerprint(const TableDefinition& table);

/// What a destination must do to be like the source again.
enum class TableChange {
  kNone,
  kFollow,     ///< Columns, keys or partitions are others; no row is, apart from those of partitions that went.
  kCopyAgain,  ///< Rows changed, or may have, that no stream tells of.
};

/// `before`: as a destination keeps it; a text that is not ours counts as any change of structure.
TableChange CompareFingerprints(std::string_view before, const TableDefinition& now);

/// Whether rows went with a partition that was dropped or detached.
bool PartitionsGone(std::string_view before, const TableFingerprint& now);

}  // namespace sluice
