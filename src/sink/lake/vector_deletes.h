#pragma once
// Deletion vectors of format 3: for each data file one bitmap in a Puffin file.

#include <roaring/roaring.hh>

#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "iceberg/data_file.h"
#include "iceberg/deletion_vector.h"
#include "storage/object_store.h"

namespace sluice {

/// Writes a vector for each of `files`, named by `new_uri`, as ObjectStore::PutLater does. The result, in their order, lacks spec and partition.
Result<std::vector<iceberg::DataFile>> WriteDeletionVectors(ObjectStore& store, std::span<const iceberg::DeletedRows> files, const std::function<std::string()>& new_uri);

/// Adds the rows that a vector names to those of its data file. Error: kCorrupt, and as ObjectStore.
Status ReadDeletionVector(ObjectStore& store, const iceberg::DataFile& vector, std::unordered_map<std::string, Roaring>& rows);

}  // namespace sluice
