#pragma once
// Manifest lists and manifests of a table, and the sums that must agree between them.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "audit/avro_file.h"
#include "audit/lake_files.h"
#include "audit/table_facts.h"

namespace sluice::audit {

/// A live file of the current snapshot.
struct FileFacts {
  int64_t content = 0;  ///< 0 data, 1 position deletes or a deletion vector, 2 equality deletes.
  std::string path, format;
  int64_t spec_id = 0;
  Json partition;
  int64_t record_count = 0, size_bytes = 0;
  int64_t sequence_number = 0;  ///< Of its data, inherited or not.
  std::map<int64_t, int64_t> value_counts, null_counts;
  std::map<int64_t, std::string> lower_bounds, upper_bounds;
  std::optional<std::string> referenced_file;
  std::optional<int64_t> content_offset, content_size;
};

/// What files of one kind sum up to.
struct Totals {
  int64_t data_files = 0, delete_files = 0, records = 0, bytes = 0, position_deletes = 0, equality_deletes = 0;
};

struct ManifestsSeen {
  size_t lists = 0, manifests = 0, files = 0;  ///< Files named by any snapshot that is left.
  std::vector<FileFacts> live;                 ///< Of the current snapshot.
};

/// Reads every list and every manifest that a snapshot still names, once. `visited` is told of each manifest.
ManifestsSeen CheckManifests(const TableFacts& facts, LakeFiles& files, Findings& findings, const std::function<void()>& visited);

}  // namespace sluice::audit
