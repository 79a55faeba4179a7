#pragma once
// Holds one Iceberg table against the format and against what its readers can, reading it with code that shares nothing with what
// writes it: the metadata's JSON as it stands, Avro by audit/avro_file.h, Parquet by Arrow's reader.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "audit/finding.h"
#include "audit/reader_limits.h"
#include "storage/object_store.h"

namespace sluice::audit {

struct CheckOptions {
  std::vector<Reader> readers;  ///< Whose limits count.
  bool deep = false;            ///< Decodes every column of every live file.
  std::function<bool()> stopped = [] { return false; };
  /// How far it is: what is being done, and how many of how many.
  std::function<void(const char* doing, size_t done, size_t total)> progress = [](const char*, size_t, size_t) {};
};

struct CheckedTable {
  Findings findings;
  size_t snapshots = 0, manifests = 0, files = 0;  ///< That were looked at.
  size_t data_files = 0, delete_files = 0;         ///< Live in the current snapshot, opened.
  bool stopped = false;
};

/// Whatever is wrong is a finding, a file that cannot be read too. `metadata_location`: from the catalog. The table may be written to
/// meanwhile; then files of snapshots that expired since look missing, and the caller should look at the new metadata.
CheckedTable CheckTable(ObjectStore& store, const std::string& metadata_location, const CheckOptions& options);

}  // namespace sluice::audit
