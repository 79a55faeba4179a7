#pragma once
// From the lake's form of a value to a text that PostgreSQL's input function makes the value of.

#include <string>

#include "change/type.h"
#include "iceberg/type.h"
#include "sink/lake/cell.h"

namespace sluice {

/// Why there is no such text for values of this type; empty: there is. Single values may be refused all the same.
std::string WhyNoInputText(const Type& type);

/// The cell is not null. `held`: the column's type in the lake. False: the value names an object of the source's own, or is not what
/// sluice writes.
bool AppendInputText(const Cell& cell, const Type& type, const iceberg::Type& held, std::string& out);

}  // namespace sluice
