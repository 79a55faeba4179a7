#include "source/postgres/replication_connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <charconv>

#include "base/failpoint.h"
#include "observability/errors/source_codes.h"
#include "postgres/quote.h"
#include "source/postgres/pgoutput_messages.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How long the server may take to stop what was cancelled.
constexpr milliseconds kCancelMax{5000};

bool Says(const Error& error, std::string_view text) { return error.evidence.find(text) != std::string::npos; }

/// Who holds the transaction that backend `pid` waits for, in words.
std::string DescribeBlocker(PgConnection& observer, int pid) {
  const auto found = observer.Execute(
      "SELECT a.pid, round(extract(epoch FROM now() - a.xact_start))::bigint, a.usename, a.application_name"
      "  FROM pg_locks w JOIN pg_locks h ON h.locktype = 'transactionid' AND h.transactionid = w.transactionid AND h.granted"
      "  JOIN pg_stat_activity a ON a.pid = h.pid"
      " WHERE w.pid = $1::int AND w.locktype = 'transactionid' AND NOT w.granted LIMIT 1",
      {std::to_string(pid)});
  if (found.ok() && PQntuples(found->get()) == 1)
    return fmt::format("the transaction of process {} (user {}, application \"{}\"), open for {} s", Field(*found, 0, 0),
                       Field(*found, 0, 2), Field(*found, 0, 3), Field(*found, 0, 1));
  // A prepared transaction holds its lock without a process.
  const auto prepared = observer.Execute("SELECT gid, round(extract(epoch FROM now() - prepared))::bigint FROM pg_prepared_xacts ORDER BY prepared LIMIT 1");
  if (prepared.ok() && PQntuples(prepared->get()) == 1)
    return fmt::format("the prepared transaction '{}', open for {} s", Field(*prepared, 0, 0), Field(*prepared, 0, 1));
  return "a transaction that ended meanwhile";
}

/// Waits until a result is there, or the connection is lost. False: not in time.
bool WaitForResult(PgConnection& connection, milliseconds wait_max) {
  const auto deadline = steady_clock::now() + wait_max;
  connection.BeginWaiting();
  while (PQisBusy(connection.get()) == 1) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds(0)) return false;
    if (!connection.Wait(left)) return true;
  }
  return true;
}

/// The grammar of replication commands knows no E'…': a backslash is a backslash.
std::string ReplicationLiteral(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

std::string CreateSlotCommand(const std::string& name, bool temporary, int server_version) {
  return fmt::format("CREATE_REPLICATION_SLOT {}{} LOGICAL pgoutput {}", QuoteIdentifier(name), temporary ? " TEMPORARY" : "",
                     server_version >= 150000 ? "(SNAPSHOT 'export')" : "EXPORT_SNAPSHOT");
}

}  // namespace

Error SlotError(Error error, const std::string& slot) {
  if (error.sql_state == "55006") {
    error.kind = ErrorKind::kConflict;
    error.code = slu::kSlotInUse;
    error.message = fmt::format("replication slot \"{}\" is being read by someone else", slot);
  } else if (error.sql_state == "53400") {
    error.kind = ErrorKind::kNeedsOperator;
    error.code = slu::kSlotsExhausted;
  } else if (Says(error, "can no longer get changes") || Says(error, "cannot read from logical replication slot") ||
             Says(error, "has been invalidated") || Says(error, "has already been removed") || Says(error, "can no longer access replication slot")) {
    error.kind = ErrorKind::kSourceLost;
    error.code = slu::kSlotLost;
    error.message = fmt::format("replication slot \"{}\" was invalidated by PostgreSQL", slot);
  } else if (error.sql_state == "42704" && Says(error, "publication")) {
    error.kind = ErrorKind::kSourceLost;
    error.code = slu::kPublicationMissing;
  } else if (error.sql_state == "42704") {
    error.kind = ErrorKind::kSourceLost;
    error.code = slu::kSlotMissing;
    error.message = fmt::format("there is no replication slot \"{}\"", slot);
  } else if (error.sql_state == "42501") {
    error.code = slu::kSourcePrivilege;
  }
  return error;
}

Result<ReplicationConnection> ReplicationConnection::Connect(const std::string& dsn, const std::string& application_name) {
  auto connection = PgConnection::Connect(dsn, {.application_name = application_name, .replication = true});
  if (!connection.ok()) {
    Error error = std::move(connection).error();
    if (Says(error, "max_wal_senders")) error.code = slu::kSlotsExhausted;
    if (Says(error, "replication role") || Says(error, "REPLICATION")) {
      error.kind = ErrorKind::kNeedsOperator;
      error.code = slu::kSourcePrivilege;
    }
    return error;
  }
  ReplicationConnection replication(std::move(connection).value());
  // Between its commands this session may be idle for as long as a copy takes.
  const auto idle = replication.connection_.Execute("SET SESSION idle_session_timeout = 0");
  if (!idle.ok()) return idle.error();
  return replication;
}

Result<SystemIdentity> ReplicationConnection::Identify() {
  ASSIGN_OR_RETURN(const PgResult result, connection_.Execute("IDENTIFY_SYSTEM"));
  if (PQntuples(result.get()) != 1 || PQnfields(result.get()) < 4)
    return Error{ErrorKind::kCorrupt, "IDENTIFY_SYSTEM gave an unexpected reply", slu::kStreamCorrupt};
  SystemIdentity identity;
  const auto parse = [](std::string_view text, auto& into) {
    return std::from_chars(text.data(), text.data() + text.size(), into).ec == std::errc();
  };
  if (!parse(Field(result, 0, 0), identity.system_identifier) || !parse(Field(result, 0, 1), identity.timeline))
    return Error{ErrorKind::kCorrupt, "IDENTIFY_SYSTEM gave an unexpected reply", slu::kStreamCorrupt};
  identity.database = Field(result, 0, 3);
  return identity;
}

Result<std::vector<TimelineSwitch>> ReplicationConnection::ReadTimelinesLeft(uint32_t timeline) {
  if (timeline <= 1) return std::vector<TimelineSwitch>();
  ASSIGN_OR_RETURN(const PgResult result, connection_.Execute(fmt::format("TIMELINE_HISTORY {}", timeline)));
  if (PQntuples(result.get()) != 1 || PQnfields(result.get()) < 2)
    return Error{ErrorKind::kCorrupt, "TIMELINE_HISTORY gave an unexpected reply", slu::kStreamCorrupt};
  return ParseTimelineHistory(Field(result, 0, 1));
}

Result<std::vector<TimelineSwitch>> ParseTimelineHistory(std::string_view text) {
  std::vector<TimelineSwitch> left;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos || line[start] == '#') continue;
    TimelineSwitch& one = left.emplace_back();
    const auto number = std::from_chars(line.data() + start, line.data() + line.size(), one.timeline);
    std::string_view rest(number.ptr, static_cast<size_t>(line.data() + line.size() - number.ptr));
    const size_t lsn = rest.find_first_not_of(" \t");
    if (number.ec != std::errc() || lsn == 0 || lsn == std::string_view::npos)
      return Error{ErrorKind::kCorrupt, "a line of the timeline history is malformed", slu::kStreamCorrupt};
    rest = rest.substr(lsn);
    const auto parsed = ParseLsn(rest.substr(0, rest.find_first_of(" \t\r")));
    if (!parsed.ok()) return Error{ErrorKind::kCorrupt, "a line of the timeline history is malformed", slu::kStreamCorrupt};
    one.end = *parsed;
  }
  return left;
}

Result<CreatedSlot> ReplicationConnection::CreateSlot(const std::string& name, bool temporary, PgConnection& observer, milliseconds wait_max) {
  SLUICE_FAILPOINT("source.before_create_slot");
  PGconn* const connection = connection_.get();
  const std::string command = CreateSlotCommand(name, temporary, connection_.server_version());
  if (PQsendQuery(connection, command.c_str()) != 1) return connection_.LastError("cannot make the replication slot");
  if (!WaitForResult(connection_, wait_max)) {
    const std::string blocker = DescribeBlocker(observer, PQbackendPID(connection));
    // Until it is complete the slot is ephemeral: cancelling removes it, before the server is ready again.
    connection_.Cancel();
    while (WaitForResult(connection_, kCancelMax) && connection_.NextResult()) continue;
    return Error{ErrorKind::kUnavailable,
                 fmt::format("replication slot \"{}\" could not be made within {} s: PostgreSQL waits for {}", name, wait_max.count() / 1000, blocker),
                 slu::kSlotWait};
  }
  const PgResult result = connection_.NextResult();
  while (const PgResult rest = connection_.NextResult()) continue;
  if (PQstatus(connection) == CONNECTION_BAD) return connection_.LastError(fmt::format("connection lost while replication slot \"{}\" was made", name));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) != 1 || PQnfields(result.get()) < 3) {
    Error error = ErrorFromResult(result.get(), fmt::format("cannot make replication slot \"{}\"", name));
    return SlotError(std::move(error), name);
  }
  ASSIGN_OR_RETURN(const Lsn consistent_point, ParseLsn(Field(result, 0, 1)));
  SLUICE_FAILPOINT("source.after_create_slot");
  return CreatedSlot{consistent_point, std::string(Field(result, 0, 2))};
}

Status ReplicationConnection::Start(const StreamOptions& options) {
  // Protocol 2 streams open transactions; 4 is the same with optional parallel apply.
  const int protocol = connection_.server_version() >= 160000 ? 4 : 2;
  std::string names;
  for (const std::string& publication : options.publications) names += (names.empty() ? "" : ",") + QuoteIdentifier(publication);
  const std::string command = fmt::format(
      "START_REPLICATION SLOT {} LOGICAL {} (proto_version '{}', publication_names {}, binary '{}', streaming 'true', messages 'true')",
      QuoteIdentifier(options.slot), ToString(options.start), protocol, ReplicationLiteral(names), options.binary);
  const auto started = connection_.Execute(command);
  if (!started.ok()) return SlotError(started.error(), options.slot);
  if (PQresultStatus(started->get()) != PGRES_COPY_BOTH)
    return Error{ErrorKind::kCorrupt, "START_REPLICATION did not start a stream", slu::kStreamCorrupt};
  connection_.BeginWaiting();
  return Ok();
}

Result<std::optional<Bytes>> ReplicationConnection::Receive() {
  char* data = nullptr;
  int size = PQgetCopyData(connection_.get(), &data, /*async=*/1);
  if (size == 0) {
    if (PQconsumeInput(connection_.get()) == 0) return connection_.LastError("the replication stream broke off");
    size = PQgetCopyData(connection_.get(), &data, /*async=*/1);
    if (size == 0 && PQsslInUse(connection_.get()) == 1) {
      // Half a TLS record may be left inside of the TLS library, where poll() does not see it.
      if (PQconsumeInput(connection_.get()) == 0) return connection_.LastError("the replication stream broke off");
      size = PQgetCopyData(connection_.get(), &data, /*async=*/1);
    }
  }
  received_.reset(data);
  if (size > 0) {
    connection_.BeginWaiting();
    return std::optional(Bytes(reinterpret_cast<const std::byte*>(data), static_cast<size_t>(size)));
  }
  if (size < 0) return EndOfStream();
  if (!connection_.StillThere()) return connection_.LastError("the replication stream fell silent");
  return std::optional<Bytes>();
}

Result<std::optional<Bytes>> ReplicationConnection::EndOfStream() {
  const PgResult result = connection_.NextResult();
  if (result && PQresultStatus(result.get()) == PGRES_FATAL_ERROR)
    return SlotError(ErrorFromResult(result.get(), "the source ended the replication stream"), "");
  return connection_.LastError("the replication stream ended");
}

Status ReplicationConnection::SendStatus(Lsn received, Lsn durable, Timestamp now, bool reply_now) {
  std::byte message[34];
  message[0] = std::byte{'r'};
  StoreBigEndian(message + 1, received.value);
  StoreBigEndian(message + 9, durable.value);
  StoreBigEndian(message + 17, durable.value);
  StoreBigEndian(message + 25, pgoutput::ToPostgresTime(now));
  message[33] = std::byte{reply_now};
  PGconn* const connection = connection_.get();
  // PQflush may leave a rest when the socket is full; the next call or PQconsumeInput sends it.
  if (PQputCopyData(connection, reinterpret_cast<const char*>(message), sizeof message) != 1 || PQflush(connection) < 0)
    return connection_.LastError("cannot acknowledge to the source");
  return Ok();
}

void ReplicationConnection::Wait(milliseconds wait_max, int other_socket) {
  pollfd sockets[2] = {{PQsocket(connection_.get()), POLLIN, 0}, {other_socket, POLLIN, 0}};
  ::poll(sockets, 2, static_cast<int>(wait_max.count()));
}

Result<Keepalive> ParseKeepalive(Bytes copy_data) {
  ByteReader reader(copy_data);
  reader.Read<uint8_t>();
  Keepalive keepalive;
  keepalive.wal_end = Lsn{reader.Read<uint64_t>()};
  reader.Read<int64_t>();
  keepalive.reply_now = reader.Read<uint8_t>() != 0;
  if (!reader.ok()) return Error{ErrorKind::kCorrupt, "malformed keepalive", slu::kStreamCorrupt};
  return keepalive;
}

}  // namespace sluice
