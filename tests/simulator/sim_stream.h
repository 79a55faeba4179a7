#pragma once
// The replication connection: CopyData from the fake walsender, through a network that delays, groups and cuts.

#include <deque>
#include <memory>
#include <string>

#include "source/postgres/replication_connection.h"
#include "wal_sender.h"
#include "world.h"

namespace sluice::simulator {

class SimStream final : public CopyDataStream {
 public:
  /// As START_REPLICATION: what the slot has confirmed is never sent again, without a word. Error: kSlotInUse.
  static Result<std::unique_ptr<CopyDataStream>> Start(World& world, LifePtr life, Lsn from);
  ~SimStream() override;

  Result<std::optional<Bytes>> Receive() override;
  Status SendStatus(Lsn received, Lsn durable, Timestamp now, bool reply_now) override;
  void Wait(std::chrono::milliseconds wait_max, int other_socket) override;
  void BeginWaiting() override {}
  bool IsSilent() const override { return false; }

 private:
  SimStream(World& world, LifePtr life, uint64_t session, const WalSenderOptions& options);
  Status CheckAlive();
  void Beat();
  void Fill();
  void Carry(std::string message);

  World& world_;
  const LifePtr life_;
  const uint64_t session_;
  const uint64_t incarnation_;
  WalSender sender_;
  struct Message {
    Nanoseconds arrives;
    std::string bytes;
  };
  std::deque<Message> under_way_;
  std::deque<std::string> produced_;
  std::string received_;
  std::string keepalive_, asking_keepalive_;  // As of before what is being produced.
  Lsn last_keepalive_;
  Nanoseconds next_heartbeat_ = 0;
  Lsn acknowledged_;
  bool cut_ = false;
};

}  // namespace sluice::simulator
