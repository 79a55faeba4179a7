#pragma once

#include "change/row_form.h"
#include "sink/lake/lake_schema.h"

namespace sluice {

/// The text of a row that the source prints and that cell_text.h makes of what the lake holds: types as MapType mapped
/// them, with the declared policies.
RowForm LakeRowForm(const LakeSchema& schema);

}  // namespace sluice
