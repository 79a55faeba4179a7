#pragma once
// The table of cuts: which snapshot of which table shows the moment that a tag names, for readers to look up and join.
//
// It always says what tags there are, no more: each commit that makes or removes tags replaces its rows in the same catalog
// commit, with one small file. So it needs no compaction, and what it names can be read.

#include <vector>

#include "catalog/catalog.h"
#include "change/table_schema.h"
#include "iceberg/schema.h"
#include "sink/lake/lake_tags.h"
#include "sink/lake/table_writer.h"

namespace sluice {

/// Beside the bookmark.
inline constexpr char kCutTable[] = "cuts";

struct CutRow {
  std::string tag;
  TaggedMoment moment;
  TableName table;
  int64_t snapshot_id = 0;
};

TableIdentifier CutTableId();
iceberg::NewTable NewCutTable(const std::string& location);

/// One data file with these rows, by time and table. At least one row. Error: as ObjectStore.
Result<iceberg::DataFile> WriteCutRows(const LakeContext& context, const std::string& location, std::vector<CutRow> rows);

}  // namespace sluice
