#pragma once
// The file beside a table's metadata that says how the source's table is made. Its name is its content's hash.

#include <string>
#include <string_view>

#include "change/table_definition.h"
#include "iceberg/snapshot.h"
#include "storage/object_store.h"

namespace sluice {

/// Of a table, and in the summaries of its snapshots: the file's name, below the table's folder of metadata.
inline constexpr char kDefinitionProperty[] = "sluice.definition";

/// `location`: of the table.
std::string DefinitionUri(std::string_view location, std::string_view name);

/// Lets the summary of a snapshot name what these properties name; what it names already stays.
void NameDefinition(const iceberg::Properties& properties, iceberg::Properties& summary);

/// Writes the file as ObjectStore::PutLater does, and returns its name.
Result<std::string> WriteDefinition(ObjectStore& store, std::string_view location, const TableDefinition& table);

/// Error: kCorrupt if it is not what its name says; as ObjectStore::Get.
Result<TableDefinition> ReadDefinition(ObjectStore& store, std::string_view location, const std::string& name);

}  // namespace sluice
