#pragma once
// The statements by which DuckDB sees the lake at one cut and the replica. Pure: names and texts of anybody are quoted.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/storage_config.h"
#include "sink/lake/cuts.h"
#include "storage/s3.h"

namespace sluice {

/// In quotes for DuckDB: 'it''s' and "a""b".
std::string DuckDbText(std::string_view text);
std::string DuckDbName(std::string_view name);

/// A table's rows in one snapshot.
std::string ScanOf(const std::string& metadata_location, int64_t snapshot_id);

/// A view lake.NAMESPACE.TABLE of the table's rows at the cut; a table that was empty, with its columns. Empty: it is no part of
/// the cut, or missing there.
std::string ViewStatement(const TableAtCut& table, const std::string& metadata_location, const iceberg::Schema& schema);

/// A secret of DuckDB for `warehouse` alone, which must begin with s3://.
std::string StoreSecretStatement(const std::string& warehouse, const StorageConfig& config, const S3Keys& keys);

/// One option of a PostgreSQL connection string.
struct ConnectionOption {
  std::string name, value;
};

/// A secret with who and where, and the statement that attaches the database as `replica`, read-only; what is no secret of the
/// options stands there.
std::vector<std::string> ReplicaStatements(const std::vector<ConnectionOption>& options);

/// After these nothing but the warehouse can be read, and no setting changed.
std::vector<std::string> LockStatements(const std::string& warehouse);

}  // namespace sluice
