#include "postgres/beside.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#include "base/free_with.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using Handle = std::unique_ptr<PGconn, FreeWith<PQfinish>>;
using Answer = std::unique_ptr<PGresult, FreeWith<PQclear>>;

constexpr std::chrono::seconds kAnswerMax{10};
constexpr int kLooks = 2;

constexpr const char* kLook =
    "SELECT pg_catalog.pg_backend_pid(), a.pid, a.wait_event_type, a.wait_event"
    "  FROM (SELECT) one LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = $1::text::int4";
// $2: our own sessions. They may wait for us in a transaction, which is our business.
constexpr const char* kEndAbandonedHolders =
    "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a"
    " WHERE a.pid = ANY (pg_catalog.pg_blocking_pids($1::text::int4)) AND a.pid <> ALL ($2::text::int4[])"
    " AND a.usename = current_user AND a.application_name LIKE 'sluice %' AND a.wait_event_type = 'Client'"
    " AND a.state_change < pg_catalog.clock_timestamp() - $3::text::int8 * interval '1 millisecond'";

std::mutex sessions_mutex;
std::multiset<int> sessions;  // Guarded by the mutex above.

std::string OwnSessions() {
  const std::lock_guard lock(sessions_mutex);
  std::string list;
  for (const int pid : sessions) list += fmt::format("{}{}", list.empty() ? "" : ",", pid);
  return "{" + list + "}";
}

Handle Connect(PGconn* first, const std::string& dsn) {
  // The very server of the first connection, whatever several the DSN names.
  const char* keys[] = {"connect_timeout", "dbname", "application_name", "host", "hostaddr", "port", nullptr};
  const char* values[] = {"10", dsn.c_str(), "sluice look", PQhost(first), PQhostaddr(first), PQport(first), nullptr};
  Handle beside(PQconnectdbParams(keys, values, 1));
  PQsetNoticeProcessor(beside.get(), [](void*, const char*) {}, nullptr);
  return beside;
}

/// Null: no answer in time.
Answer Ask(PGconn* connection, const char* sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  if (PQsendQueryParams(connection, sql, static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0) != 1) return nullptr;
  const auto deadline = Silence::Clock::now() + kAnswerMax;
  while (PQisBusy(connection) == 1) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Silence::Clock::now());
    if (left <= milliseconds(0)) return nullptr;
    // TLS may hold bytes that poll() does not see.
    pollfd waiting{PQsocket(connection), POLLIN, 0};
    ::poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left.count(), 100)));
    if (PQconsumeInput(connection) == 0) return nullptr;
  }
  Answer answer(PQgetResult(connection));
  while (Answer(PQgetResult(connection))) continue;  // The whole answer is there: nothing is waited for.
  return answer;
}

Answer AskBeside(PGconn* first, const std::string& dsn, const char* sql) {
  const Handle beside = Connect(first, dsn);
  return PQstatus(beside.get()) == CONNECTION_OK ? Ask(beside.get(), sql, {std::to_string(PQbackendPID(first))}) : nullptr;
}

std::string_view TextAt(const Answer& answer, int column) { return PQgetvalue(answer.get(), 0, column); }

}  // namespace

void RememberSession(int pid) {
  const std::lock_guard lock(sessions_mutex);
  sessions.insert(pid);
}

void ForgetSession(int pid) {
  const std::lock_guard lock(sessions_mutex);
  if (const auto found = sessions.find(pid); found != sessions.end()) sessions.erase(found);
}

ServerSide LookAtServerSide(PGconn* connection, const std::string& dsn, milliseconds abandoned_after) {
  const Handle beside = Connect(connection, dsn);
  if (PQstatus(beside.get()) != CONNECTION_OK) {
    const std::string_view text = PQerrorMessage(beside.get());
    const bool full = text.find("too many") != std::string_view::npos || text.find("connection slots") != std::string_view::npos;
    return full ? ServerSide::kWorks : ServerSide::kUnreachable;
  }
  const std::string pid = std::to_string(PQbackendPID(connection));
  const Answer answer = Ask(beside.get(), kLook, {pid});
  if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK || PQntuples(answer.get()) != 1) return ServerSide::kUnreachable;
  // A pooler makes up the numbers of sessions, so nothing is known.
  if (TextAt(answer, 0) != std::to_string(PQbackendPID(beside.get()))) return ServerSide::kWorks;
  if (PQgetisnull(answer.get(), 0, 1) == 1) return ServerSide::kGone;
  if (TextAt(answer, 2) == "Lock") Ask(beside.get(), kEndAbandonedHolders, {pid, OwnSessions(), std::to_string(abandoned_after.count())});
  return TextAt(answer, 2) == "Client" || TextAt(answer, 3) == "WalSenderMain" ? ServerSide::kWaitsForUs : ServerSide::kWorks;
}

void CancelBeside(PGconn* connection, const std::string& dsn) {
  AskBeside(connection, dsn, "SELECT pg_catalog.pg_cancel_backend($1::text::int4)");
}

void TerminateBeside(PGconn* connection, const std::string& dsn) {
  // A session may hang in telling its client, which does not listen, that it is terminated: the second time it does not tell.
  AskBeside(connection, dsn, "SELECT pg_catalog.pg_terminate_backend($1::text::int4, 500) OR pg_catalog.pg_terminate_backend($1::text::int4, 500)");
}

bool Silence::IsLost(PGconn* connection, const std::string& dsn, std::string& why) {
  const ServerSide found = LookAtServerSide(connection, dsn, interval_);
  const auto now = Clock::now();
  look_at_ = now + interval_;
  if (found == ServerSide::kWorks) {
    bad_looks_ = 0;
    return false;
  }
  if (++bad_looks_ < kLooks) return false;
  // What it holds would be in the way of whoever comes next.
  if (found == ServerSide::kWaitsForUs) TerminateBeside(connection, dsn);
  why = fmt::format("nothing came for {} s, and the server {}", std::chrono::duration_cast<std::chrono::seconds>(now - begun_).count(),
                    found == ServerSide::kWaitsForUs ? "itself waits for us: the network has lost what one of us said"
                    : found == ServerSide::kGone     ? "does not know this session any more"
                                                     : "cannot be reached");
  return true;
}

}  // namespace sluice
