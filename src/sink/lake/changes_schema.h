#pragma once
// The columns of a table of changes: those of its table, all optional, and what tells the versions apart.

#include <cstdint>
#include <vector>

#include "iceberg/schema.h"
#include "iceberg/table_metadata.h"
#include "sink/lake/lake_schema.h"

namespace sluice {

/// First the columns of the table, then sluice's five, then those that the table has no longer.
struct ChangesSchema {
  iceberg::Schema iceberg;
  FieldIds field_ids;         ///< Of sluice's own under negative numbers.
  std::vector<int32_t> from;  ///< Per column: the field of the table that it has the values of; 0: none.
  size_t own = 0;             ///< Where sluice's begin: _op, _seq, _ingested_at, _committed_at, _lsn, with one more underscore behind where the table has such a name.

  size_t op() const { return own; }
  size_t sequence() const { return own + 1; }
  size_t ingested_at() const { return own + 2; }
  size_t committed_at() const { return own + 3; }
  size_t lsn() const { return own + 4; }
};

/// For `table`, one of sluice's. `existing`: what the table of changes has so far, whose columns stay; null: nothing. Error: kCorrupt.
Result<ChangesSchema> MakeChangesSchema(const iceberg::TableMetadata& table, const iceberg::TableMetadata* existing);

}  // namespace sluice
