#pragma once
// What a metadata file says, taken out of its JSON for the checks of the files behind it.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/json_access.h"

namespace sluice::audit {

struct ColumnFacts {
  std::string path;  ///< "a.element.b"
  std::string type;  ///< A primitive's spelling; "struct", "list" or "map".
  bool required = false;
  bool in_collection = false;  ///< Inside of a list or map: has no bounds.
};

/// By field id, nested ones too.
using Columns = std::map<int64_t, ColumnFacts>;

struct PartitionFieldFacts {
  int64_t source_id = 0, field_id = 0;
  std::string name, transform;
};

struct SnapshotFacts {
  int64_t id = 0, sequence_number = 0, timestamp_ms = 0;
  std::optional<int64_t> parent_id, schema_id;
  std::string manifest_list;
  Json summary;
};

struct TableFacts {
  int64_t format_version = 0, last_sequence_number = 0;
  std::string location;
  std::map<int64_t, Columns> schemas;
  std::map<int64_t, Json> schema_json;
  int64_t current_schema_id = -1;
  std::map<int64_t, std::vector<PartitionFieldFacts>> specs;
  std::vector<SnapshotFacts> snapshots;
  std::optional<int64_t> current_snapshot_id;

  const SnapshotFacts* FindSnapshot(int64_t id) const;
  const SnapshotFacts* current_snapshot() const;
  /// A column of any schema, the newest one's first; nullptr: none has the id.
  const ColumnFacts* FindColumn(int64_t field_id) const;
};

/// Everything that is well-formed; what is not is left out, and found by CheckMetadata.
TableFacts ReadTableFacts(const Json& metadata);

/// "decimal(10, 2)" gives 10 and 2, "fixed[16]" 16 and 0; nullopt: another type.
std::optional<std::pair<int, int>> ParametersOf(const std::string& type, const char* name);

/// Whether a word is a primitive type of this format version.
bool IsPrimitive(const std::string& type, int64_t format_version);

}  // namespace sluice::audit
