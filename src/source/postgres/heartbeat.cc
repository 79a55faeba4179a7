#include "source/postgres/heartbeat.h"

#include <string_view>

#include "observability/errors/source_codes.h"
#include "observability/log.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kWatchInterval{10};

// Before 17 the message reaches the disk within three wal_writer_delays (0.6 s); since 17 it can be told to hurry.
constexpr const char* kBeat = "SELECT pg_logical_emit_message(false, 'sluice', $1 || (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text)";
constexpr const char* kBeat17 = "SELECT pg_logical_emit_message(false, 'sluice', $1 || (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text, true)";

Error Stopping(std::string evidence) {
  return Error{ErrorKind::kUnavailable, "the source is shutting down", slu::kSourceStopping, std::move(evidence)};
}

/// libpq hands a FATAL error of an idle session over as if it were a notice.
void OnNotice(void* stopping, const PGresult* notice) {
  const char* const state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
  // admin_shutdown, crash_shutdown, cannot_connect_now.
  if (state != nullptr && std::string_view(state).substr(0, 3) == "57P") *static_cast<bool*>(stopping) = true;
}

}  // namespace

Status Heartbeat::Run(Clock::time_point now) {
  RETURN_IF_ERROR(Collect());
  if (now < next_) return Ok();
  next_ = now + (interval_.count() > 0 ? interval_ : kWatchInterval);
  RETURN_IF_ERROR(Open());
  if (!connection_ || interval_.count() == 0 || refused_ || waiting_) return Ok();
  const char* const beat = connection_->server_version() >= 170000 ? kBeat17 : kBeat;
  const char* const parameters[] = {token_.c_str()};
  connection_->BeginWaiting();
  if (PQsendQueryParams(connection_->get(), beat, 1, nullptr, parameters, nullptr, nullptr, 0) == 1) {
    waiting_ = true;
  } else {
    connection_.reset();
  }
  return Ok();
}

Status Heartbeat::Open() {
  if (connection_) return Ok();
  auto opened = PgConnection::Connect(dsn_, {.application_name = "sluice heartbeat", .replication = false});
  if (!opened.ok()) {
    const std::string& evidence = opened.error().evidence;
    if (evidence.find("shutting down") != std::string::npos) return Stopping(evidence);
    log::Warn("source", "source.heartbeat_failed", "cannot open the heartbeat's session", {{"evidence", evidence}});
    return Ok();
  }
  connection_.emplace(std::move(opened).value());
  waiting_ = false;
  stopping_ = false;
  PQsetNoticeReceiver(connection_->get(), OnNotice, &stopping_);
  return Ok();
}

void Heartbeat::CollectReplies() {
  PGconn* const connection = connection_->get();
  // PQisBusy is also what takes an idle session's messages apart.
  while (PQisBusy(connection) == 0 && waiting_) {
    const PgResult result(PQgetResult(connection));
    if (!result) {
      waiting_ = false;
      return;
    }
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) continue;
    OnNotice(&stopping_, result.get());
    if (stopping_ || PQstatus(connection) != CONNECTION_OK) return;
    refused_ = true;
    log::Warn("source", "source.heartbeat_refused", "the source refuses heartbeats; freshness of an idle source is unknown",
              {{"evidence", ErrorFromResult(result.get(), "").evidence}});
  }
}

Status Heartbeat::Collect() {
  if (!connection_) return Ok();
  const bool alive = PQconsumeInput(connection_->get()) == 1;
  CollectReplies();
  if (stopping_) return Stopping("postgres: terminating connection due to administrator command [57P01]");
  // A reply that never comes would end the heartbeats for good.
  if (!alive || PQstatus(connection_->get()) != CONNECTION_OK || (waiting_ && !connection_->StillThere())) connection_.reset();
  return Ok();
}

}  // namespace sluice
