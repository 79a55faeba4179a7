#pragma once
// From differing rows to what a sink is told: pure.

#include <string>
#include <vector>

#include "pipeline/table_comparison.h"
#include "sink/row_repair.h"

namespace sluice {

/// The texts of key columns, in the order of RowForm::identity.
using KeyTexts = std::vector<std::string>;

/// Why the rows that differ can't be put right; empty: they can.
std::string RefusalOf(const TableComparison& comparison);

/// Each key once.
std::vector<KeyTexts> KeysOf(const TableComparison& comparison);

/// The form in which rows travel to a sink: what the stream would send as text.
RowForm TransferForm(const RowForm& form);

/// `rows`: per key what the source has. Fetched in TransferForm.
RowRepair MakeRepair(const TableSchemaPtr& schema, const std::vector<KeyTexts>& keys, const std::vector<std::optional<FetchedRow>>& rows);

}  // namespace sluice
