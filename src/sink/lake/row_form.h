#pragma once

#include "change/row_form.h"
#include "change/table_schema.h"

namespace sluice {

/// The text of a row that the source prints and that cell_text.h makes of what the lake holds: types as MapType maps
/// them, with the declared policies.
RowForm LakeRowForm(const TableSchema& schema);

}  // namespace sluice
