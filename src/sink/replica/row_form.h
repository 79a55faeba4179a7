#pragma once

#include "change/row_form.h"
#include "change/table_schema.h"

namespace sluice {

/// The text of a row that source and replica print alike, whatever their locales and object numbers.
RowForm ReplicaRowForm(const TableSchema& schema);

}  // namespace sluice
