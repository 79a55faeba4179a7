#pragma once
// What lies durably in the lake of copies that are not complete: in the properties of the bookmark's namespace
//
//   sluice.copying.TABLE    of which source table the copy is, and how its files are laid out
//   sluice.part.UUID.TABLE  ranges, and the object that lists the data files with exactly their rows: a manifest
//
// Both go in the commit that makes the copy complete.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "change/copy_state.h"
#include "iceberg/data_file.h"
#include "iceberg/partition_spec.h"
#include "sink/lake/lake_schema.h"
#include "storage/object_store.h"

namespace sluice {

struct KeptPart {
  std::string property;
  std::string manifest;  ///< Its URI.
};

struct LakeKeptCopy {
  KeptCopy copy;
  std::string layout;
  std::vector<KeptPart> parts;
};
using LakeKeptCopies = std::map<TableName, LakeKeptCopy>;

/// Of tables with at least one part. Error: kCorrupt.
Result<LakeKeptCopies> ParseKeptCopies(const iceberg::Properties& properties);

/// What a copy's files must have in common: the Iceberg table, the columns' ids and the partitions.
std::string LayoutOf(const std::string& table_uuid, const LakeSchema& schema, const iceberg::PartitionSpec& spec);

std::string CopyingProperty(const TableName& table);
std::string ToText(const KeptCopy& copy, const std::string& layout);

/// Writes the object and says the property that names it.
Result<std::pair<KeptPart, std::string>> WritePart(ObjectStore& store, const std::string& location, const TableName& table, const LakeSchema& schema,
                                                   const iceberg::PartitionSpec& spec, const std::vector<BlockRange>& ranges, Lsn lsn,
                                                   const std::vector<iceberg::DataFile>& files);

/// The data files of a part.
Result<std::vector<iceberg::DataFile>> ReadPart(ObjectStore& store, const KeptPart& part);

/// Durably forgets what is kept of these tables, and removes its files.
Status ForgetParts(Catalog& catalog, ObjectStore& store, uint64_t epoch, const std::function<bool(const TableName&)>& of);

}  // namespace sluice
