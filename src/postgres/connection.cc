#include "postgres/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

// What values look like must not depend on a role's or database's settings, and no timeout meant for an
// application may end a long copy. `search_path` is empty so that deparsed expressions are fully qualified.
constexpr std::string_view kSessionPins =
    "SET SESSION DateStyle = 'ISO, YMD'; SET SESSION IntervalStyle = 'iso_8601'; SET SESSION TimeZone = 'UTC';"
    "SET SESSION bytea_output = 'hex'; SET SESSION extra_float_digits = 3; SET SESSION client_encoding = 'UTF8';"
    "SET SESSION standard_conforming_strings = on; SET SESSION search_path = '';"
    "SET SESSION statement_timeout = 0; SET SESSION lock_timeout = 0;"
    "SET SESSION idle_in_transaction_session_timeout = 0; SET SESSION synchronous_commit = on";

std::string Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return std::string(text);
}

bool StartsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

ErrorKind KindOfSqlState(std::string_view state) {
  if (StartsWith(state, "08") || StartsWith(state, "57P") || state == "53300" || state == "55006" ||
      StartsWith(state, "40") || state == "55P03" || state == "57014" || StartsWith(state, "53"))
    return ErrorKind::kUnavailable;
  return ErrorKind::kNeedsOperator;
}

// The server does not put a SQLSTATE on a refused connection, so libpq's text must tell.
ErrorKind KindOfRefusal(std::string_view text) {
  for (const std::string_view permanent :
       {"password authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry",
        "permission denied", "invalid connection option", "missing \"=\"", "certificate", "must be superuser or replication"})
    if (text.find(permanent) != std::string_view::npos && text.find("No such file") == std::string_view::npos)
      return ErrorKind::kNeedsOperator;
  return ErrorKind::kUnavailable;
}

// What is said of a value quotes it.
std::string WithoutQuoted(const std::string& message) {
  const size_t first = message.find('"'), last = message.rfind('"');
  return first == last ? message : message.substr(0, first) + "…" + message.substr(last + 1);
}

}  // namespace

Result<PgConnection> PgConnection::Connect(const std::string& dsn, const PgConnectOptions& options) {
  // dbname carries the whole DSN (expand_dbname); what stands behind it wins, what stands before is a default.
  const char* keys[] = {"connect_timeout", "fallback_application_name", "dbname", "application_name", "keepalives_idle",
                        options.replication ? "replication" : nullptr, nullptr};
  const char* values[] = {"10", "sluice", dsn.c_str(), options.application_name.c_str(), "30",
                          options.replication ? "database" : nullptr, nullptr};
  PgConnection connection(PQconnectdbParams(keys, values, 1));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    const std::string text = Trimmed(PQerrorMessage(connection.get()));
    return Error{KindOfRefusal(text), fmt::format("cannot connect to {}", RedactDsn(dsn)), 0, "postgres: " + text};
  }
  // Notices ("does not exist, skipping") are nobody's business, and libpq would print them.
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  std::string pins(kSessionPins);
  if (connection.server_version() >= 170000) pins += "; SET SESSION transaction_timeout = 0";
  // A walsender takes SET too (10+), and its output functions print what pgoutput sends as text.
  for (size_t at = 0; at != std::string::npos;) {
    const size_t end = pins.find(';', at);
    const auto set = connection.Execute(pins.substr(at, end == std::string::npos ? end : end - at));
    if (!set.ok()) return set.error();
    at = end == std::string::npos ? end : end + 1;
  }
  return connection;
}

Result<PgResult> PgConnection::Execute(const std::string& sql) {
  PgResult result(PQexec(get(), sql.c_str()));
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return result;
    default:
      return PQstatus(get()) == CONNECTION_BAD ? LastError("connection lost") : ErrorFromResult(result.get(), "statement refused");
  }
}

Result<PgResult> PgConnection::Execute(const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  PgResult result(PQexecParams(get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
  return PQstatus(get()) == CONNECTION_BAD ? LastError("connection lost") : ErrorFromResult(result.get(), "statement refused");
}

Result<std::string> PgConnection::QueryValue(const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
  // A walsender refuses the extended protocol, so without parameters the simple one is used.
  ASSIGN_OR_RETURN(const PgResult result, parameters.empty() ? Execute(sql) : Execute(sql, parameters));
  if (PQntuples(result.get()) != 1 || PQnfields(result.get()) != 1)
    return Error{ErrorKind::kCorrupt, fmt::format("expected one value, got {} rows", PQntuples(result.get()))};
  return std::string(Field(result, 0, 0));
}

Error PgConnection::LastError(std::string_view what) const {
  return Error{ErrorKind::kUnavailable, std::string(what), 0, "postgres: " + Trimmed(PQerrorMessage(get()))};
}

Error ErrorFromResult(const PGresult* result, std::string_view what) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (state == nullptr)
    return Error{ErrorKind::kUnavailable, std::string(what), 0, "postgres: " + Trimmed(PQresultErrorMessage(result))};
  // DETAIL and CONTEXT may quote row values, so only the primary message is passed on; of dependent objects DETAIL names
  // the objects, and without them nobody could help.
  std::string message = text != nullptr ? text : "";
  const char* const objects = std::string_view(state) == "2BP01" ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : nullptr;
  if (objects != nullptr) message += fmt::format(": {}", objects);
  std::replace(message.begin(), message.end(), '\n', ';');
  if (std::string_view(state).starts_with("22")) message = WithoutQuoted(message);
  return Error{KindOfSqlState(state), std::string(what), 0, fmt::format("postgres: {} [{}]", message, state)};
}

std::string RedactDsn(const std::string& dsn) {
  char* message = nullptr;
  PQconninfoOption* const options = PQconninfoParse(dsn.c_str(), &message);
  if (message != nullptr) PQfreemem(message);
  if (options == nullptr) return "(malformed DSN)";
  std::string shown;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    const std::string_view keyword = option->keyword;
    if (option->val == nullptr || !(keyword == "host" || keyword == "port" || keyword == "dbname" || keyword == "user" || keyword == "hostaddr" || keyword == "sslmode"))
      continue;
    if (!shown.empty()) shown += ' ';
    shown += fmt::format("{}={}", keyword, option->val);
  }
  PQconninfoFree(options);
  return shown;
}

}  // namespace sluice
