#pragma once
// What somebody else did to a table of ours that the stream cannot go on from.
//
// Other writers' files are followed: rows are found where they are. But what was taken back is gone, and a column that was changed
// would be filled with what belongs elsewhere.

#include <optional>
#include <string>

#include "base/result.h"
#include "iceberg/table_metadata.h"

namespace sluice {

/// The snapshot that we made last, and the columns as we made them: set in the commits that make them.
inline constexpr char kHeadProperty[] = "sluice.head";
inline constexpr char kSchemaProperty[] = "sluice.schema";

/// Ids, names and types of the columns.
std::string SchemaMark(const iceberg::Schema& schema);

/// Error: kNeedsOperator (4111 set back to an older snapshot, 4112 columns changed). Tables of before these properties pass.
Status CheckForeignChanges(const iceberg::TableMetadata& table, const std::string& name);

}  // namespace sluice
