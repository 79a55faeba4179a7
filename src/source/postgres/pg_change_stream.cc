#include "source/postgres/pg_change_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/failpoint.h"
#include "base/random_bits.h"
#include "observability/errors/source_codes.h"
#include "source/postgres/catalog_schema_resolver.h"
#include "source/postgres/publication.h"
#include "source/postgres/slot.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A batch that only tells progress makes sinks write their bookmark, so a busy other database must not cause many.
constexpr milliseconds kProgressInterval{200};
// Thousands of commits a second need no acknowledgement each; 10 ms keep a shutdown of the source quick.
constexpr milliseconds kAcknowledgeInterval{10};
constexpr milliseconds kStatusInterval{1000};
constexpr size_t kXLogDataHeader = 25;

std::string NewToken() { return fmt::format("{:016x}{:016x} ", RandomBits(), RandomBits()); }

/// The configured publication and, where some table is append only, the one beside it.
Result<std::vector<std::string>> FindPublications(PgConnection& connection, const std::string& publication) {
  ASSIGN_OR_RETURN(const PgResult found, connection.Execute("SELECT pubname FROM pg_publication WHERE pubname IN ($1, $2)", {publication, InsertsPublication(publication)}));
  std::vector<std::string> names;
  for (int row = 0; row < PQntuples(found.get()); ++row) names.emplace_back(Field(found, row, 0));
  if (names.empty()) return Error{ErrorKind::kSourceLost, fmt::format("there is no publication \"{}\"", publication), slu::kPublicationMissing};
  return names;
}

}  // namespace

Result<std::unique_ptr<PgChangeStream>> PgChangeStream::Open(const SourceConfig& config, std::shared_ptr<SchemaRegistry> schemas,
                                                             const Options& options) {
  ASSIGN_OR_RETURN(PgConnection catalog, PgConnection::Connect(config.dsn, {.application_name = "sluice catalog", .replication = false}));
  ASSIGN_OR_RETURN(const auto slot, ReadSlot(catalog, config.slot));
  RETURN_IF_ERROR(CheckSlot(slot, config.slot, options.database, options.resume_from));
  ASSIGN_OR_RETURN(std::vector<std::string> publications, FindPublications(catalog, config.publication));
  ASSIGN_OR_RETURN(ReplicationConnection replication, ReplicationConnection::Connect(config.dsn, "sluice stream"));
  SLUICE_FAILPOINT("source.before_start_stream");
  RETURN_IF_ERROR(replication.Start({config.slot, std::move(publications), options.resume_from, options.binary}));
  // Only now nobody can put another slot in its place, which would start later without a word.
  ASSIGN_OR_RETURN(std::optional<SlotFacts> started, ReadSlot(catalog, config.slot));
  if (started) started->state.active = false;  // But for us.
  RETURN_IF_ERROR(CheckSlot(started, config.slot, options.database, options.resume_from));
  return std::make_unique<PgChangeStream>(options, std::make_unique<ReplicationConnection>(std::move(replication)),
                                          std::make_unique<CatalogSchemaResolver>(config.dsn, std::move(catalog), std::move(schemas)),
                                          std::make_unique<Heartbeat>(config.dsn, config.heartbeat_interval, NewToken()));
}

Result<ChangeBatchPtr> PgChangeStream::Next(milliseconds wait_max) {
  SteadyTime now = steady_clock::now();
  const SteadyTime deadline = now + wait_max;
  for (;;) {
    RETURN_IF_ERROR(StayAlive(now));
    RETURN_IF_ERROR(Drain());
    now = steady_clock::now();
    if (BatchIsDue(now)) {
      SLUICE_FAILPOINT("source.before_batch");
      last_progress_ = now;
      return assembler_.TakeBatch();
    }
    if (now >= deadline) return ChangeBatchPtr();
    Wait(now, deadline);
    now = steady_clock::now();
  }
}

bool PgChangeStream::BatchIsDue(SteadyTime now) const {
  if (assembler_.must_take() || assembler_.has_transactions() || assembler_.has_heartbeat()) return true;
  return assembler_.has_progress() && now - last_progress_ >= kProgressInterval;
}

Status PgChangeStream::Drain() {
  const SteadyTime now = steady_clock::now();
  if (now - last_drained_ > kStatusInterval) messages_->BeginWaiting();
  last_drained_ = now;
  while (!assembler_.must_take()) {
    ASSIGN_OR_RETURN(const std::optional<Bytes> copy_data, messages_->Receive());
    if (!copy_data) return Ok();
    RETURN_IF_ERROR(Take(*copy_data));
  }
  return Ok();
}

Status PgChangeStream::Take(Bytes copy_data) {
  if (copy_data[0] == std::byte{'w'} && copy_data.size() > kXLogDataHeader) {
    // Logical messages carry 0 where they have no position of their own.
    received_ = std::max(received_, Lsn{LoadBigEndian<uint64_t>(copy_data.data() + 1)});
    return assembler_.Add(copy_data.subspan(kXLogDataHeader));
  }
  if (copy_data[0] != std::byte{'k'}) return Error{ErrorKind::kCorrupt, "unknown kind of replication message", slu::kStreamCorrupt};
  ASSIGN_OR_RETURN(const Keepalive keepalive, ParseKeepalive(copy_data));
  received_ = std::max(received_, keepalive.wal_end);
  assembler_.AdvanceTo(keepalive.wal_end);
  return keepalive.reply_now ? SendStatus(steady_clock::now(), /*reply_now=*/false) : Ok();
}

Status PgChangeStream::Acknowledge(Lsn durable) {
  if (durable > durable_) {
    SLUICE_FAILPOINT("source.before_acknowledge");
    durable_ = durable;
    unsent_ = true;
  }
  return StayAlive(steady_clock::now());
}

Status PgChangeStream::StayAlive(SteadyTime now) {
  if (heartbeat_) RETURN_IF_ERROR(heartbeat_->Run(now));
  const auto since = now - last_status_;
  return since >= kStatusInterval || (unsent_ && since >= kAcknowledgeInterval) ? SendStatus(now, /*reply_now=*/messages_->IsSilent()) : Ok();
}

Status PgChangeStream::SendStatus(SteadyTime now, bool reply_now) {
  last_status_ = now;
  unsent_ = false;
  return messages_->SendStatus(std::max(received_, durable_), durable_, SystemClock().Now(), reply_now);
}

void PgChangeStream::Wait(SteadyTime now, SteadyTime deadline) {
  SteadyTime until = std::min(deadline, last_status_ + (unsent_ ? kAcknowledgeInterval : kStatusInterval));
  if (heartbeat_) until = std::min(until, heartbeat_->next());
  if (assembler_.has_progress()) until = std::min(until, last_progress_ + kProgressInterval);
  // Rounded up: waking early would spin.
  const auto wait = std::max(std::chrono::ceil<milliseconds>(until - now), milliseconds(0));
  messages_->Wait(wait, heartbeat_ ? heartbeat_->socket() : -1);
}

}  // namespace sluice
