#pragma once
// What must be true after every step, whatever has happened.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "destination.h"
#include "fake_server.h"

namespace sluice::simulator {

class Checker {
 public:
  Checker(const FakeServer& server, const std::vector<std::unique_ptr<Destination>>& destinations) : server_(server), destinations_(destinations) {}

  /// The process told the source that everything up to `durable` may be forgotten; before that, on this connection, `before`.
  void Acknowledged(Lsn before, Lsn durable) const;
  /// Something durable has changed: the destination must be what the source was at its positions.
  void Durable(const Destination& destination);
  /// The destination went back, by no fault of ours.
  void WentBack(const Destination& destination) { bookmarks_.erase(destination.name); }
  /// The table may be held there from now on, for a reason that was given.
  void MayBeHeld(const std::string& sink, const TableName& table) { holdable_.insert({sink, table}); }

  /// What keeps the destination from holding all that the source holds; empty: nothing.
  std::string Missing(const Destination& destination) const;

 private:
  void CheckTable(const Destination& destination, const TableName& name, const CopiedTable& copied) const;

  const FakeServer& server_;
  const std::vector<std::unique_ptr<Destination>>& destinations_;
  std::map<std::string, Lsn> bookmarks_;
  std::set<std::pair<std::string, TableName>> holdable_;
};

}  // namespace sluice::simulator
