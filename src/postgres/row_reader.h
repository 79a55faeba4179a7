#pragma once
// Runs the statements of row_sql.h.

#include <stop_token>

#include "postgres/connection.h"
#include "postgres/row_sql.h"

namespace sluice {

/// Like PgConnection::Execute, but a request to stop cancels the statement. Error: kCancelled then.
Result<PgResult> ExecuteUntilStopped(PgConnection& connection, const std::string& sql, const std::stop_token& stop);

/// Sets memory and plan as these statements need them, for the whole session: a group per bucket, no compilation.
/// Whether this server prints and hashes text as change/ does.
Result<bool> PrepareForSums(PgConnection& connection);

Status SumRows(PgConnection& connection, const std::string& sql, const std::stop_token& stop, BucketSums& sums);

Status FetchRows(PgConnection& connection, const std::string& sql, const RowForm& form, const std::stop_token& stop,
                 std::vector<FetchedRow>& rows);

/// One row per key, or none. Error: kCorrupt if a key has several.
Status FetchKeys(PgConnection& connection, const TableSchema& schema, const RowForm& form,
                 const std::vector<std::vector<std::string>>& keys, const std::stop_token& stop,
                 std::vector<std::optional<FetchedRow>>& rows);

}  // namespace sluice
