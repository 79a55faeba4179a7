#pragma once

#include <span>

#include "base/result.h"
#include "sink/lake/key_codec.h"
#include "sink/lake/key_index.h"
#include "sink/lake/table_files.h"
#include "storage/object_store.h"

namespace sluice {

/// Adds the live rows of `files` to an index, under the files' numbers in that order, reading several of them at once.
/// `folder`: where it puts what does not fit into memory. Error: as ReadDataFile; kUnavailable, kNeedsOperator (4121).
Status IndexFiles(ObjectStore& store, const LakeSchema& schema, const KeyCodec& codec, std::span<const TableFile> files,
                  const std::string& folder, KeyIndex& index);

}  // namespace sluice
