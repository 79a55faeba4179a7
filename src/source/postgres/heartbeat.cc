#include "source/postgres/heartbeat.h"

#include <string_view>

#include "observability/errors/source_codes.h"
#include "observability/log.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kWatchInterval{10};

// Before 17 the message reaches the disk within three wal_writer_delays (0.6 s); since 17 it can be told to hurry.
constexpr const char* kBeat = "SELECT pg_logical_emit_message(false, 'sluice', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text)";
constexpr const char* kBeat17 = "SELECT pg_logical_emit_message(false, 'sluice', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text, true)";

}  // namespace

Status Heartbeat::Run(Clock::time_point now) {
  RETURN_IF_ERROR(Collect());
  if (now < next_) return Ok();
  next_ = now + (interval_.count() > 0 ? interval_ : kWatchInterval);
  if (!connection_) {
    auto opened = PgConnection::Connect(dsn_, {.application_name = "sluice heartbeat", .replication = false});
    if (!opened.ok()) {
      log::Warn("source", "source.heartbeat_failed", "cannot open the heartbeat's session", {{"evidence", opened.error().evidence}});
      return Ok();
    }
    connection_.emplace(std::move(opened).value());
    waiting_ = false;
  }
  if (interval_.count() == 0 || refused_ || waiting_) return Ok();
  if (PQsendQuery(connection_->get(), connection_->server_version() >= 170000 ? kBeat17 : kBeat) == 1) {
    waiting_ = true;
  } else {
    connection_.reset();
  }
  return Ok();
}

Status Heartbeat::Collect() {
  if (!connection_) return Ok();
  PGconn* const connection = connection_->get();
  const bool alive = PQconsumeInput(connection) == 1;
  std::string_view evidence;
  while (waiting_ && PQisBusy(connection) == 0) {
    const PgResult result(PQgetResult(connection));
    if (!result) {
      waiting_ = false;
      break;
    }
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK || PQstatus(connection) != CONNECTION_OK) continue;
    refused_ = true;
    log::Warn("source", "source.heartbeat_refused", "the source refuses heartbeats; freshness of an idle source is unknown",
              {{"evidence", ErrorFromResult(result.get(), "").evidence}});
  }
  if (alive && PQstatus(connection) == CONNECTION_OK) return Ok();
  evidence = PQerrorMessage(connection);
  const bool stopping = evidence.find("terminating connection due to administrator command") != std::string_view::npos ||
                        evidence.find("57P01") != std::string_view::npos;
  const Error error{ErrorKind::kUnavailable, "the source is shutting down", slu::kSourceStopping, "postgres: terminating connection due to administrator command"};
  connection_.reset();
  waiting_ = false;
  return stopping ? Status(error) : Ok();
}

}  // namespace sluice
