#pragma once
// One source table's columns as the lake holds them.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_schema.h"
#include "config/lake_readers.h"
#include "iceberg/schema.h"
#include "iceberg/table_metadata.h"

namespace arrow {
class Schema;
}

namespace sluice {

/// Field ids by pg_attribute.attnum; what survives renames. Stored in the table property sluice.columns.
using FieldIds = std::map<int16_t, int32_t>;

/// First the source's columns in the order of its tuples, then the three that sluice adds.
struct LakeSchema {
  TableSchemaPtr source;
  iceberg::Schema iceberg;
  std::shared_ptr<arrow::Schema> arrow;
  FieldIds field_ids;
  bool older = false;  ///< Lacks columns that the table already has; its rows are NULL there.

  size_t source_columns() const { return source->columns.size(); }
  size_t ingested_at() const { return source_columns(); }
  size_t committed_at() const { return source_columns() + 1; }
  size_t lsn() const { return source_columns() + 2; }
};
using LakeSchemaPtr = std::shared_ptr<const LakeSchema>;

/// "names a column that …", with the nearest name that there is: for what the configuration says of columns.
std::string LacksColumn(const iceberg::Schema& schema, const std::string& column);

/// Numbers what the type is made of, as far as it has no ids yet.
void AssignElementIds(iceberg::Type& type, int32_t& last_id);

/// How many columns sluice adds behind those of the source.
size_t AddedColumnCount();

enum class Numbering {
  kNested,      ///< A list's elements right after the list, as Nessie numbers what commits make.
  kNestedLast,  ///< After all columns, as servers number what createTable makes.
};

/// The schema of a table that is made anew. `needs`, here and below: of those who will read new columns.
LakeSchemaPtr MakeLakeSchema(const TableSchemaPtr& source, const ReaderNeeds& needs = {}, Numbering numbering = Numbering::kNested);

/// The schema after the source's columns changed; `current` is what the table has, `field_ids` what its
/// property says. New columns get new ids, renamed ones keep theirs, those that went are gone.
/// A column keeps its type if it is one of MapType's for any readers.
/// `pinned`: fields that partitions are made of.
/// `may_be_older`: after a restart the stream begins before changes that the lake has followed already, so the last
/// columns may be missing.
/// Error: kNeedsOperator (4107) naming the column that takes a new copy: it has another type, is new with values for
/// the rows that were there, or was removed although it is pinned.
Result<LakeSchemaPtr> EvolveLakeSchema(const iceberg::Schema& current, int32_t last_column_id,
                                       const FieldIds& field_ids, const TableSchemaPtr& source,
                                       const std::set<int32_t>& pinned = {}, bool may_be_older = false, const ReaderNeeds& needs = {});

/// The schema of a table whose rows are all made anew: columns that went are gone, those of another type are new.
/// Error: kCorrupt.
Result<LakeSchemaPtr> ReplaceLakeSchema(const iceberg::Schema& current, int32_t last_column_id, const FieldIds& field_ids,
                                        const TableSchemaPtr& source, const ReaderNeeds& needs = {});

std::string ToText(const FieldIds& field_ids);
/// Error: kCorrupt.
Result<FieldIds> ParseFieldIds(std::string_view text);

/// What a table's properties say. Error: kCorrupt.
Result<FieldIds> FieldIdsOf(const iceberg::TableMetadata& metadata);

}  // namespace sluice
