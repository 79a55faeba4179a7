#pragma once

#include <string>

#include "change/row_form.h"
#include "iceberg/type.h"
#include "sink/lake/cell.h"

namespace sluice {

/// Appends the text that the server prints of the value in its form. The cell is not null.
void AppendCellText(const Cell& cell, const iceberg::Type& type, const ColumnForm& form, std::string& out);

}  // namespace sluice
