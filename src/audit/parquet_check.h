#pragma once
// A Parquet file held against the entry of its manifest and the table's schema.

#include "audit/lake_files.h"
#include "audit/manifest_check.h"
#include "audit/table_facts.h"

namespace sluice::audit {

/// Its footer: rows, field ids, types, encodings, and the manifest's bounds and counts against the statistics.
void CheckParquet(const FileFacts& file, const TableFacts& facts, LakeFiles& files, Findings& findings);

/// Decodes all columns and counts the rows that come.
void ReadWholeParquet(const FileFacts& file, LakeFiles& files, Findings& findings);

}  // namespace sluice::audit
