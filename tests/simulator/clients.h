#pragma once
// The applications of the source database: transactions of all kinds, some of them at once.

#include <thread>
#include <vector>

#include "world.h"

namespace sluice::simulator {

class Clients {
 public:
  explicit Clients(World& world);
  /// The first tables and rows.
  void Fill();
  void Start();
  /// Ends what is open and waits.
  void Finish();

 private:
  void Work(uint64_t number);
  void RunTransaction(Random& random);
  void ChangeSomething(Random& random, uint32_t xid);
  void ChangeRow(Random& random, uint32_t xid, Oid table, int64_t key);
  void Rotate(Random& random, uint32_t xid, Oid table, const std::vector<int64_t>& keys);
  void Truncate(Random& random, uint32_t xid, const std::vector<Oid>& tables);
  void ChangeStructure(Random& random, uint32_t xid);
  void End(Random& random, uint32_t xid);
  size_t FollowedTables(uint32_t xid) const;
  bool StillOpen(uint32_t xid) const;
  void Pause(Nanoseconds time);
  Row RandomRow(Random& random, const TableShape& shape);
  int64_t NewKey(Random& random) { return random.Chance(0.3) ? -(++last_key_) : ++last_key_; }

  World& world_;
  FakeDatabase& database_;
  std::vector<std::thread> threads_;
  bool finishing_ = false;
  int64_t last_key_ = 0;
  uint64_t last_value_ = 0;
  int tables_made_ = 0;
  Nanoseconds pause_max_ = 0;
  bool structure_changes_ = false;
  bool tables_come_and_go_ = false;
};

}  // namespace sluice::simulator
