#include "source/postgres/key_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "change/tuple.h"
#include "postgres/quote.h"
#include "postgres/row_sql.h"
#include "source/postgres/copy_rows.h"

namespace sluice {
namespace {

// What goes out before replies are read must fit into the sockets' buffers, or both sides would wait for the other to read.
constexpr size_t kSentBytesMax = 16 << 10;
constexpr size_t kSentMax = 200;
constexpr size_t kBlockBytes = 32 << 10;
constexpr const char* kStatement = "sluice_key";

/// Sends one prepared statement for each key, many to a round trip, and hands on the rows that come back.
class KeyLookup {
 public:
  KeyLookup(PgConnection& connection, const TableSchema& schema, RowReceiver& receiver)
      : connection_(connection), schema_(schema), receiver_(receiver) {}

  /// `whole_rows`: the key columns of a row tell which one it is, so that it comes only once.
  Status Run(const std::string& sql, const StreamedKeys& keys, bool whole_rows, const std::stop_token& stop) {
    whole_rows_ = whole_rows;
    const PgResult prepared = connection_.Prepare(kStatement, sql);
    if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) return ErrorFromResult(prepared.get(), "statement refused");
    if (PQenterPipelineMode(connection_.get()) != 1) return connection_.LastError("pipeline mode refused");
    for (const std::string& key : keys) {
      RETURN_IF_ERROR(Send(key));
      if (sent_ < kSentMax && sent_bytes_ < kSentBytesMax) continue;
      if (stop.stop_requested()) return Error{ErrorKind::kCancelled, "copy stopped on request"};
      RETURN_IF_ERROR(Receive());
    }
    RETURN_IF_ERROR(Receive());
    if (PQexitPipelineMode(connection_.get()) != 1) return connection_.LastError("pipeline mode does not end");
    const auto forgotten = connection_.Execute(fmt::format("DEALLOCATE {}", kStatement));
    if (!forgotten.ok()) return forgotten.error();
    return Flush();
  }

 private:
  Status Send(const std::string& key) {
    TupleReader reader(AsBytes(key).data());
    std::vector<const char*> values;
    std::vector<int> lengths, formats;
    texts_.clear();
    texts_.reserve(reader.columns());
    for (size_t i = 0; i < reader.columns(); ++i) {
      const Value value = reader.Next();
      const std::string& bytes = texts_.emplace_back(AsText(value.bytes));  // A text must end with a zero byte.
      values.push_back(value.kind == ValueKind::kNull ? nullptr : bytes.c_str());
      lengths.push_back(static_cast<int>(bytes.size()));
      formats.push_back(value.kind == ValueKind::kBinary ? 1 : 0);
    }
    if (PQsendQueryPrepared(connection_.get(), kStatement, static_cast<int>(values.size()), values.data(), lengths.data(), formats.data(), /*resultFormat=*/1) != 1)
      return connection_.LastError("looking up rows by their keys");
    ++sent_;
    sent_bytes_ += key.size();
    return Ok();
  }

  Status Receive() {
    if (sent_ == 0) return Ok();
    if (PQpipelineSync(connection_.get()) != 1) return connection_.LastError("looking up rows by their keys");
    for (; sent_ > 0; --sent_) {
      while (const PgResult result = connection_.NextResult()) {
        if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return ErrorFromResult(result.get(), "looking up rows by their keys");
        for (int row = 0; row < PQntuples(result.get()); ++row) RETURN_IF_ERROR(Take(result, row));
      }
    }
    sent_bytes_ = 0;
    const PgResult synced = connection_.NextResult();
    if (PQresultStatus(synced.get()) != PGRES_PIPELINE_SYNC) return ErrorFromResult(synced.get(), "looking up rows by their keys");
    return Ok();
  }

  Status Take(const PgResult& result, int row) {
    if (whole_rows_ && !taken_.insert(KeyOf(result, row)).second) return Ok();
    const int columns = PQnfields(result.get());
    AppendBigEndian<int16_t>(block_, static_cast<int16_t>(columns));
    for (int i = 0; i < columns; ++i) {
      const bool null = IsNull(result, row, i);
      AppendBigEndian<int32_t>(block_, null ? -1 : PQgetlength(result.get(), row, i));
      if (!null) block_.append(Field(result, row, i));
    }
    ++block_rows_;
    return block_.size() < kBlockBytes ? Ok() : Flush();
  }

  // Keys whose bytes differ may be equal, e.g. 1.0 and 1.00, and find the same row.
  std::string KeyOf(const PgResult& result, int row) const {
    std::string key;
    for (const size_t i : schema_.key) {
      const std::string_view value = Field(result, row, static_cast<int>(i));
      AppendBigEndian<int32_t>(key, static_cast<int32_t>(value.size()));
      key.append(value);
    }
    return key;
  }

  Status Flush() {
    if (block_rows_ == 0) return Ok();
    RETURN_IF_ERROR(receiver_.Rows(AsBytes(block_), block_rows_));
    block_.clear();
    block_rows_ = 0;
    return Ok();
  }

  PgConnection& connection_;
  const TableSchema& schema_;
  RowReceiver& receiver_;
  bool whole_rows_ = false;
  StreamedKeys taken_;
  std::vector<std::string> texts_;
  size_t sent_ = 0, sent_bytes_ = 0;
  std::string block_;
  size_t block_rows_ = 0;
};

Status Look(PgConnection& connection, const TableSchema& schema, const std::string& sql, const StreamedKeys& keys, bool whole_rows,
            const std::stop_token& stop, RowReceiver& receiver) {
  const auto path = connection.Execute("SET LOCAL search_path = " + OperatorPathSql(schema, schema.key));
  if (!path.ok()) return path.error();
  RETURN_IF_ERROR(KeyLookup(connection, schema, receiver).Run(sql, keys, whole_rows, stop));
  const auto restored = connection.Execute("SET LOCAL search_path = ''");
  return restored.ok() ? Ok() : Status(restored.error());
}

}  // namespace

std::string KeyRowSql(const TableSchema& schema) {
  std::string columns;
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    const Column& column = schema.columns[i];
    const auto part = std::find(schema.key.begin(), schema.key.end(), i);
    if (!columns.empty()) columns += ", ";
    columns += part == schema.key.end() ? "NULL" : AsCopied(column, fmt::format("${}::{}", part - schema.key.begin() + 1, TypeSql(*column.type)));
  }
  return "SELECT " + columns;
}

std::string RowOfKeySql(const TableDefinition& table) {
  std::string columns;
  for (const Column& column : table.schema->columns) {
    if (!columns.empty()) columns += ", ";
    columns += AsCopied(column, "t." + QuoteIdentifier(column.name));
  }
  // Tables that inherit from an ordinary one are tables of their own.
  return fmt::format("SELECT {} FROM {}{} t WHERE {}", columns, table.partition_key.empty() ? "ONLY " : "", QuoteName(table.schema->name),
                     KeyConditionSql(*table.schema, table.schema->key));
}

Status ReadKeyRows(PgConnection& connection, const TableDefinition& table, const StreamedKeys& keys, const std::stop_token& stop, RowReceiver& receiver) {
  return Look(connection, *table.schema, KeyRowSql(*table.schema), keys, /*whole_rows=*/false, stop, receiver);
}

Status ReadRowsOfKeys(PgConnection& connection, const TableDefinition& table, const StreamedKeys& keys, const std::stop_token& stop, RowReceiver& receiver) {
  return Look(connection, *table.schema, RowOfKeySql(table), keys, /*whole_rows=*/true, stop, receiver);
}

}  // namespace sluice
