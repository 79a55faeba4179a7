#pragma once
// Deletion vectors of format 3: for each data file one bitmap, several in a Puffin file.

#include <roaring/roaring.hh>

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "iceberg/data_file.h"
#include "iceberg/deletion_vector.h"
#include "storage/object_store.h"

namespace sluice {

/// Writes the vectors of `files` into one Puffin file. The result, in their order, lacks spec and partition.
Result<std::vector<iceberg::DataFile>> WriteDeletionVectors(ObjectStore& store, const std::string& uri, std::span<const iceberg::DeletedRows> files);

/// Adds the rows that a vector names to those of its data file. Error: kCorrupt, and as ObjectStore.
Status ReadDeletionVector(ObjectStore& store, const iceberg::DataFile& vector, std::unordered_map<std::string, Roaring>& rows);

}  // namespace sluice
