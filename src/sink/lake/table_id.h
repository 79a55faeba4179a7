#pragma once
// A table as the source names it and as the lake's catalog does: the same two names.

#include "catalog/catalog.h"
#include "change/table_schema.h"

namespace sluice {

inline TableIdentifier IdOf(const TableName& name) { return {name.name_space, name.name}; }
inline TableName NameOf(const TableIdentifier& id) { return {id.name_space, id.name}; }

}  // namespace sluice
