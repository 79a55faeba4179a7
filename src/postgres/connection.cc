#include "postgres/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "observability/log.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// What values look like must not depend on a role's or database's settings, and no timeout meant for an
// application may end a long copy. `search_path` is empty so that deparsed expressions are fully qualified.
constexpr std::string_view kSessionPins =
    "SET SESSION DateStyle = 'ISO, YMD'; SET SESSION IntervalStyle = 'iso_8601'; SET SESSION TimeZone = 'UTC';"
    "SET SESSION bytea_output = 'hex'; SET SESSION extra_float_digits = 3; SET SESSION client_encoding = 'UTF8';"
    "SET SESSION standard_conforming_strings = on; SET SESSION search_path = '';"
    "SET SESSION statement_timeout = 0; SET SESSION lock_timeout = 0;"
    "SET SESSION idle_in_transaction_session_timeout = 0; SET SESSION synchronous_commit = on";

constexpr const char* kEndSoonWithoutUs[] = {
    "SET SESSION client_connection_check_interval = '10s'",
    "SELECT pg_catalog.set_config('tcp_keepalives_idle', '30', false), pg_catalog.set_config('tcp_keepalives_interval', '10', false),"
    " pg_catalog.set_config('tcp_keepalives_count', '3', false)"};

constexpr milliseconds kWaitStep{1000};  // Between looks: should a wake ever be missed, it costs no more.
constexpr milliseconds kTlsPoll{100};
constexpr std::chrono::seconds kCancelMax{5};
constexpr milliseconds kCancelAgain{500};

// How long a server may say nothing before it is looked at. There is no network in a Unix socket.
milliseconds LookInterval(PGconn* connection) {
  const char* const host = PQhost(connection);
  if (PQstatus(connection) != CONNECTION_OK || host == nullptr || *host == '/') return milliseconds(0);
  const std::unique_ptr<PQconninfoOption, FreeWith<PQconninfoFree>> options(PQconninfo(connection));
  int seconds = 0;
  for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr; ++option)
    if (std::string_view(option->keyword) == "keepalives_idle" && option->val != nullptr)
      std::from_chars(option->val, option->val + std::string_view(option->val).size(), seconds);
  return std::chrono::seconds(seconds > 0 ? seconds : 15);
}

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
  // When the network breaks a TLS handshake, sslmode=prefer tries once more without, which the server may not allow.
  if (text.find("SSL SYSCALL error") != std::string_view::npos) return ErrorKind::kUnavailable;
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

PgConnection::PgConnection(PGconn* connection, std::string dsn)
    : dsn_(std::move(dsn)), connection_(connection, Close{PQbackendPID(connection)}), silence_(LookInterval(connection)) {
  RememberSession(PQbackendPID(connection));
}

void PgConnection::Close::operator()(PGconn* connection) const {
  ForgetSession(pid);
  PQfinish(connection);
}

Result<PgConnection> PgConnection::Connect(const std::string& dsn, const PgConnectOptions& options) {
  // dbname carries the whole DSN (expand_dbname); what stands behind it wins, what stands before is a default.
  const char* keys[] = {"connect_timeout", "keepalives_idle", "fallback_application_name", "dbname", "application_name",
                        options.replication ? "replication" : nullptr, nullptr};
  const char* values[] = {"10", "15", "sluice", dsn.c_str(), options.application_name.c_str(),
                          options.replication ? "database" : nullptr, nullptr};
  PgConnection connection(PQconnectdbParams(keys, values, 1), dsn);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    const std::string text = Trimmed(PQerrorMessage(connection.get()));
    return Error{KindOfRefusal(text), fmt::format("cannot connect to {}", RedactDsn(dsn)), 0, "postgres: " + text};
  }
  // Notices ("does not exist, skipping") are nobody's business, and libpq would print them.
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  PQsetnonblocking(connection.get(), 1);  // Sending waits in Wait(), with its limits.
  RETURN_IF_ERROR(connection.PinSession());
  return connection;
}

Status PgConnection::PinSession() {
  std::string pins(kSessionPins);
  if (server_version() >= 170000) pins += "; SET SESSION transaction_timeout = 0";
  // A walsender takes SET too (10+), and its output functions print what pgoutput sends as text.
  for (size_t at = 0; at != std::string::npos;) {
    const size_t end = pins.find(';', at);
    RETURN_IF_ERROR(Execute(pins.substr(at, end == std::string::npos ? end : end - at)));
    at = end == std::string::npos ? end : end + 1;
  }
  // So that a session that we have lost does not hold its locks for hours. Not every platform can do the first.
  for (const char* const sql : kEndSoonWithoutUs) {
    const auto set = Execute(sql);
    if (!set.ok() && PQstatus(get()) == CONNECTION_BAD) return set.error();
  }
  return Ok();
}

bool PgConnection::Wait(milliseconds wait_max) {
  if (PQstatus(get()) == CONNECTION_BAD) return false;
  return WaitFor(PQflush(get()) > 0 ? POLLIN | POLLOUT : POLLIN, wait_max);
}

bool PgConnection::WaitFor(short events, milliseconds wait_max) {
  PGconn* const connection = get();
  const auto until_look = std::chrono::ceil<milliseconds>(silence_.look_at() - Silence::Clock::now());
  if (silence_.watched()) wait_max = std::min(wait_max, std::max(until_look, milliseconds(0)));
  // Half a TLS record may be left inside of the TLS library, where poll() does not see it.
  const bool tls = PQsslInUse(connection) == 1;
  if (tls) wait_max = std::min(wait_max, kTlsPoll);
  pollfd waiting{PQsocket(connection), events, 0};
  const int ready = ::poll(&waiting, 1, static_cast<int>(wait_max.count()));
  if (ready > 0) silence_.Break(Silence::Clock::now());
  if ((ready > 0 || tls) && PQconsumeInput(connection) == 0) {
    lost_ = "postgres: " + Trimmed(PQerrorMessage(connection));
    return false;
  }
  return ready > 0 || StillThere();
}

bool PgConnection::StillThere() {
  if (!silence_.due(Silence::Clock::now())) return true;
  std::string why;
  if (!silence_.IsLost(get(), dsn_, why)) return true;
  log::Warn("postgres", "postgres.silent", "a connection is given up: " + why, {{"server", RedactDsn(dsn_)}});
  GiveUp(std::move(why));
  return false;
}

// libpq itself is to find it broken, as whoever uses it expects of a lost connection.
void PgConnection::GiveUp(std::string why) {
  lost_ = std::move(why);
  ::shutdown(PQsocket(get()), SHUT_RDWR);
  while (PQconsumeInput(get()) == 1) continue;
}

void PgConnection::Cancel() {
  BeginWaiting();
  const auto deadline = Silence::Clock::now() + kCancelMax;
  Silence::Clock::time_point again{};
  do {
    const auto now = Silence::Clock::now();
    if (now >= deadline) return GiveUp("a cancelled statement does not end");
    if (now < again) continue;
    CancelBeside(get(), dsn_);  // Again and again: one that comes before the statement has begun is lost.
    again = now + kCancelAgain;
  } while (PQisBusy(get()) == 1 && Wait(milliseconds(100)) && PQisBusy(get()) == 1);
}

bool PgConnection::Flush() {
  BeginWaiting();
  for (;;) {
    const int left = PQflush(get());
    if (left <= 0) return left == 0;
    // Not Wait: it would send the rest, and then wait for an answer that nobody owes.
    if (!WaitFor(POLLIN | POLLOUT, kWaitStep)) return false;
  }
}

PgResult PgConnection::NextResult() {
  if (PQisBusy(get()) == 1) {
    BeginWaiting();
    while (PQisBusy(get()) == 1 && Wait(kWaitStep)) continue;
  }
  return PgResult(PQgetResult(get()));
}

int PgConnection::NextCopyData(char** data) {
  int size = PQgetCopyData(get(), data, /*async=*/1);
  if (size != 0) return size;
  BeginWaiting();
  bool alive = true;
  while (alive && size == 0) {
    alive = Wait(kWaitStep);
    size = PQgetCopyData(get(), data, /*async=*/1);
  }
  return size != 0 ? size : -2;
}

bool PgConnection::PutCopyData(const char* bytes, size_t size) {
  return PQputCopyData(get(), bytes, static_cast<int>(size)) == 1 && Flush();
}

// What an earlier statement has left to be taken, as PQexec does it.
bool PgConnection::EndLeftover() {
  while (PQtransactionStatus(get()) == PQTRANS_ACTIVE && PQstatus(get()) != CONNECTION_BAD) {
    const PgResult left = NextResult();
    const ExecStatusType status = PQresultStatus(left.get());
    if (status == PGRES_COPY_BOTH) return false;
    if (status == PGRES_COPY_IN) PQputCopyEnd(get(), "given up");
    char* data = nullptr;
    while (status == PGRES_COPY_OUT && NextCopyData(&data) > 0) PQfreemem(data);
  }
  return PQstatus(get()) != CONNECTION_BAD;
}

// Of several statements the last one's, or the error that ended them.
PgResult PgConnection::LastOfResults() {
  PgResult last;
  while (PgResult next = NextResult()) {
    last = std::move(next);
    const ExecStatusType status = PQresultStatus(last.get());
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH || PQstatus(get()) == CONNECTION_BAD) break;
  }
  return last;
}

PgResult PgConnection::Run(const std::string& sql) {
  return EndLeftover() && PQsendQuery(get(), sql.c_str()) == 1 ? LastOfResults() : PgResult();
}

PgResult PgConnection::Run(const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  if (!EndLeftover() || PQsendQueryParams(get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0) != 1)
    return nullptr;
  return LastOfResults();
}

PgResult PgConnection::Prepare(const char* name, const std::string& sql) {
  return EndLeftover() && PQsendPrepare(get(), name, sql.c_str(), 0, nullptr) == 1 ? LastOfResults() : PgResult();
}

PgResult PgConnection::RunPrepared(const char* name, const std::vector<const char*>& parameters) {
  if (!EndLeftover() || PQsendQueryPrepared(get(), name, static_cast<int>(parameters.size()), parameters.data(), nullptr, nullptr, 0) != 1)
    return nullptr;
  return LastOfResults();
}

Result<PgResult> PgConnection::Execute(const std::string& sql) {
  PgResult result = Run(sql);
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return result;
    default:
      return result == nullptr || PQstatus(get()) == CONNECTION_BAD ? LastError("connection lost") : ErrorFromResult(result.get(), "statement refused");
  }
}

Result<PgResult> PgConnection::Execute(const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
  PgResult result = Run(sql, parameters);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
  return result == nullptr || PQstatus(get()) == CONNECTION_BAD ? LastError("connection lost") : ErrorFromResult(result.get(), "statement refused");
}

Result<std::string> PgConnection::QueryValue(const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
  // A walsender refuses the extended protocol, so without parameters the simple one is used.
  ASSIGN_OR_RETURN(const PgResult result, parameters.empty() ? Execute(sql) : Execute(sql, parameters));
  if (PQntuples(result.get()) != 1 || PQnfields(result.get()) != 1)
    return Error{ErrorKind::kCorrupt, fmt::format("expected one value, got {} rows", PQntuples(result.get()))};
  return std::string(Field(result, 0, 0));
}

Error PgConnection::LastError(std::string_view what) const {
  return Error{ErrorKind::kUnavailable, std::string(what), 0, lost_.empty() ? "postgres: " + Trimmed(PQerrorMessage(get())) : lost_};
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
  Error error{KindOfSqlState(state), std::string(what), 0, fmt::format("postgres: {} [{}]", message, state)};
  error.sql_state = state;
  return error;
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
