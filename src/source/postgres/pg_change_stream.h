#pragma once
// The stream of one slot: socket to batches, and acknowledgements back.

#include <chrono>
#include <memory>
#include <string>

#include "config/config.h"
#include "source/change_stream.h"
#include "source/postgres/heartbeat.h"
#include "source/postgres/replication_connection.h"
#include "source/postgres/schema_registry.h"
#include "source/postgres/transaction_assembler.h"

namespace sluice {

class PgChangeStream final : public ChangeStream {
 public:
  struct Options {
    std::string database;
    std::string spill_folder;
    Lsn resume_from;
    bool binary = true;
    AssemblerLimits limits;
  };

  /// Looks at slot and publication, then starts. Error: as CheckSlot and ReplicationConnection::Start.
  static Result<std::unique_ptr<PgChangeStream>> Open(const SourceConfig& config, std::shared_ptr<SchemaRegistry> schemas,
                                                      const Options& options);

  /// Over a stream that has started. `heartbeat`: null where nobody shall be asked for one.
  PgChangeStream(const Options& options, std::unique_ptr<CopyDataStream> messages, std::unique_ptr<SchemaResolver> resolver,
                 std::unique_ptr<Heartbeat> heartbeat)
      : messages_(std::move(messages)),
        resolver_(std::move(resolver)),
        assembler_(*resolver_, options.spill_folder, options.limits, heartbeat ? heartbeat->token() : ""),
        heartbeat_(std::move(heartbeat)),
        durable_(options.resume_from),
        received_(options.resume_from) {}

  Result<ChangeBatchPtr> Next(std::chrono::milliseconds wait_max) override;
  Status Acknowledge(Lsn durable) override;

  uint64_t spilled_transactions() const { return assembler_.spilled_transactions(); }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  Status Drain();
  Status Take(Bytes copy_data);
  bool BatchIsDue(SteadyTime now) const;
  Status SendStatus(SteadyTime now, bool reply_now);
  Status StayAlive(SteadyTime now);
  void Wait(SteadyTime now, SteadyTime deadline);

  std::unique_ptr<CopyDataStream> messages_;
  std::unique_ptr<SchemaResolver> resolver_;  ///< Before the assembler, which refers to it.
  TransactionAssembler assembler_;
  std::unique_ptr<Heartbeat> heartbeat_;

  Lsn durable_;
  Lsn received_;
  bool unsent_ = false;            ///< durable_ advanced since the last status.
  SteadyTime last_status_{};
  SteadyTime last_progress_{};
  SteadyTime last_drained_{};
};

}  // namespace sluice
