#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iceberg/data_file.h"
#include "sink/lake/changes_schema.h"
#include "sink/lake/lake_context.h"
#include "sink/lake/row_version.h"
#include "sink/lake/table_layout.h"

namespace sluice {

/// The last version of a table of changes. A later one with the same LSN has a higher sequence, also after a restart.
struct LastVersion {
  Lsn lsn;
  int64_t sequence = 0;
};
std::string ToText(const LastVersion& last);
/// The first of all where the text is empty. Error: kCorrupt.
Result<LastVersion> ParseLastVersion(std::string_view text);

/// Writes the versions of one table's rows into files of its table of changes. Not thread-safe.
class ChangesWriter {
 public:
  /// `context` must outlive it. `done`: the table of changes has the versions of what was committed before that.
  ChangesWriter(const LakeContext& context, ChangesSchema schema, TableLayout layout, Lsn done, LastVersion last);

  /// The next version of a row, of a transaction that committed there.
  RowVersion Next(Lsn commit_lsn, VersionKind kind);

  /// New files, one per partition. `columns`: rows of the table with this schema, one per version. Error: as ObjectStore.
  Status Append(const iceberg::Schema& table, const Columns& columns, std::span<const RowVersion> versions);

  /// Files from here on have other columns or partitions.
  void Change(ChangesSchema schema, TableLayout layout);

  bool dirty() const { return !files_.empty(); }
  const std::vector<iceberg::DataFile>& files() const { return files_; }
  const LastVersion& last() const { return last_; }
  void Committed() { files_.clear(); }

 private:
  Result<Columns> ColumnsOf(const iceberg::Schema& table, const Columns& columns, std::span<const RowVersion> versions) const;

  const LakeContext& context_;
  ChangesSchema schema_;
  TableLayout layout_;
  const Lsn done_;
  LastVersion last_;
  std::vector<iceberg::DataFile> files_;  ///< Not committed yet.
};

}  // namespace sluice
