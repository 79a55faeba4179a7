#include "postgres/row_reader.h"

#include <charconv>

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kStopPoll{100};

Error Unexpected() { return Error{ErrorKind::kCorrupt, "a server answered a sum over rows in an unexpected form"}; }

// The sum of 64-bit numbers, of any size: from_chars knows no 128 bits.
bool ParseSum(std::string_view text, __int128& sum) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 38) return false;
  sum = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    sum = sum * 10 + (c - '0');
  }
  if (negative) sum = -sum;
  return true;
}

FetchedRow RowAt(const PgResult& result, int row, int columns) {
  FetchedRow fetched;
  for (int i = 0; i < columns; ++i)
    fetched.columns.push_back(IsNull(result, row, i) ? std::nullopt : std::optional<std::string>(Field(result, row, i)));
  return fetched;
}

bool ParseCount(std::string_view text, uint64_t& count) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<PgResult> ExecuteUntilStopped(PgConnection& connection, const std::string& sql, const std::stop_token& stop) {
  PGconn* const raw = connection.get();
  if (PQsendQuery(raw, sql.c_str()) != 1) return connection.LastError("cannot send a statement");
  bool cancelled = false;
  connection.BeginWaiting();
  while (PQisBusy(raw) == 1 && connection.Wait(kStopPoll)) {
    if (!stop.stop_requested()) continue;
    connection.Cancel();
    cancelled = true;
    break;
  }
  PgResult result = connection.NextResult();
  while (const PgResult rest = connection.NextResult()) continue;
  if (cancelled) return Error{ErrorKind::kCancelled, "stopped on request"};
  if (PQresultStatus(result.get()) == PGRES_TUPLES_OK || PQresultStatus(result.get()) == PGRES_COMMAND_OK) return result;
  return PQstatus(raw) == CONNECTION_BAD ? connection.LastError("connection lost") : ErrorFromResult(result.get(), "statement refused");
}

Result<bool> PrepareForSums(PgConnection& connection) {
  for (const char* const sql : {"SET SESSION work_mem = '16MB'", "SET SESSION jit = off"}) {
    const auto set = connection.Execute(sql);
    if (!set.ok()) return set.error();
  }
  const auto same = connection.QueryValue(SameHashSql());
  if (!same.ok()) return same.error();
  return same.value() == "t";
}

Status SumRows(PgConnection& connection, const std::string& sql, const std::stop_token& stop, BucketSums& sums) {
  ASSIGN_OR_RETURN(const PgResult result, ExecuteUntilStopped(connection, sql, stop));
  if (PQnfields(result.get()) != 4) return Unexpected();
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    uint64_t bucket = 0;
    BucketSum sum;
    if (!ParseCount(Field(result, row, 0), bucket) || !ParseCount(Field(result, row, 1), sum.rows) ||
        !ParseSum(Field(result, row, 2), sum.lanes[0]) || !ParseSum(Field(result, row, 3), sum.lanes[1]))
      return Unexpected();
    sums[bucket].Add(sum);
  }
  return Ok();
}

Status FetchRows(PgConnection& connection, const std::string& sql, const RowForm& form, const std::stop_token& stop,
                 std::vector<FetchedRow>& rows) {
  ASSIGN_OR_RETURN(const PgResult result, ExecuteUntilStopped(connection, sql, stop));
  const bool counted = form.identity.empty();
  const int columns = counted ? 1 : static_cast<int>(form.columns.size());
  if (PQnfields(result.get()) != columns + (counted ? 1 : 0)) return Unexpected();
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    FetchedRow& fetched = rows.emplace_back(RowAt(result, row, columns));
    if (counted && !ParseCount(Field(result, row, 1), fetched.copies)) return Unexpected();
  }
  return Ok();
}

Status FetchKeys(PgConnection& connection, const TableSchema& schema, const RowForm& form,
                 const std::vector<std::vector<std::string>>& keys, const std::stop_token& stop,
                 std::vector<std::optional<FetchedRow>>& rows) {
  const auto path = connection.Execute("SET LOCAL search_path = " + OperatorPathSql(schema, schema.key));
  if (!path.ok()) return path.error();
  const PgResult prepared = connection.Prepare("fetch_key", FetchKeySql(schema, form));
  if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) return ErrorFromResult(prepared.get(), "statement refused");
  for (const std::vector<std::string>& key : keys) {
    if (stop.stop_requested()) return Error{ErrorKind::kCancelled, "repair stopped on request"};
    std::vector<const char*> parameters;
    for (const std::string& text : key) parameters.push_back(text.c_str());
    const PgResult found = connection.RunPrepared("fetch_key", parameters);
    if (PQresultStatus(found.get()) != PGRES_TUPLES_OK) return ErrorFromResult(found.get(), "statement refused");
    if (PQntuples(found.get()) > 1) return Error{ErrorKind::kCorrupt, "several rows have one key"};
    rows.push_back(PQntuples(found.get()) == 0 ? std::nullopt : std::optional(RowAt(found, 0, PQnfields(found.get()))));
  }
  for (const char* const sql : {"DEALLOCATE fetch_key", "SET LOCAL search_path = ''"}) {
    const auto done = connection.Execute(sql);
    if (!done.ok()) return done.error();
  }
  return Ok();
}

}  // namespace sluice
