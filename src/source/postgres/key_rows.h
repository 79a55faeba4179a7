#pragma once
// Rows found by their keys, in the form of binary COPY.

#include <stop_token>
#include <string>

#include "base/result.h"
#include "change/row_receiver.h"
#include "change/streamed_keys.h"
#include "change/table_definition.h"
#include "postgres/connection.h"

namespace sluice {

/// As InitialCopy::Reader, inside a transaction of the caller. After an error the connection is of no use.
Status ReadKeyRows(PgConnection& connection, const TableDefinition& table, const StreamedKeys& keys, const std::stop_token& stop, RowReceiver& receiver);
Status ReadRowsOfKeys(PgConnection& connection, const TableDefinition& table, const StreamedKeys& keys, const std::stop_token& stop, RowReceiver& receiver);

/// The statements of both, for one key; parameters are the key's values. Pure.
std::string KeyRowSql(const TableSchema& schema);
std::string RowOfKeySql(const TableDefinition& table);

}  // namespace sluice
