#pragma once
// Logical decoding of the fake database's log, as pgoutput of PostgreSQL 14 to 18 does it: whole transactions in commit
// order, large ones streamed while they are open. wal_sender_test.cc holds its messages against real servers'.

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fake_database.h"

namespace sluice::simulator {

struct WalSenderOptions {
  Lsn start;                      ///< Commits before it are not sent.
  int major = 15;                 ///< Before 15 transactions without published changes come as BEGIN and COMMIT.
  bool binary = true;
  size_t changes_in_memory = 64;  ///< More of open transactions together: the largest is streamed.
};

class WalSender {
 public:
  WalSender(const FakeDatabase& database, const WalSenderOptions& options);

  /// Decodes the next record, if there is one, and appends CopyData messages. False: the log ends here.
  bool Step(std::deque<std::string>& out);
  /// Everything that ends at or before it was sent.
  Lsn sent() const { return sent_; }
  std::string Keepalive(bool reply_now) const;

 private:
  struct Pending {
    std::vector<size_t> changes;      // Records.
    std::set<Oid> altered;            // Tables, also by subtransactions that were undone since.
    bool streamed = false;
    std::set<uint32_t> streamed_subs;
    bool started = false;
  };
  struct SentRelation {
    TableShapePtr shape;
    bool sent = false;
    std::set<uint32_t> streamed_in;
  };

  void On(const Record& record, size_t at, std::deque<std::string>& out);
  void Commit(const Record& record, std::deque<std::string>& out);
  void Abort(const Record& record, std::deque<std::string>& out);
  void Stream(uint32_t xid, Pending& pending, std::deque<std::string>& out);
  void Replay(const Record& record, bool in_block, std::deque<std::string>& out);
  void Send(const Record& record, bool in_block, std::deque<std::string>& out);
  void SendRelation(const TableShapePtr& shape, const Record& record, bool in_block, std::deque<std::string>& out);
  void ForgetStreamed(uint32_t xid, bool committed);
  void ForgetRelation(Oid table);
  void Emit(Lsn start, std::string message, std::deque<std::string>& out) const;
  std::string Tuple(const TableShape& shape, int64_t key, const Row& row, bool key_only, const std::set<int16_t>* untouched) const;

  const FakeDatabase& database_;
  const WalSenderOptions options_;
  size_t next_;
  Lsn sent_;
  size_t in_memory_ = 0;
  std::map<uint32_t, Pending> pending_;
  std::map<Oid, SentRelation> relations_;
};

}  // namespace sluice::simulator
