#include "clients.h"

#include <fmt/format.h>

#include <algorithm>

#include "coverage.h"

namespace sluice::simulator {
namespace {

constexpr size_t kTablesMax = 6;

}  // namespace

Clients::Clients(World& world) : world_(world), database_(world.server.database) {
  pause_max_ = world.random.Pick(std::vector<Nanoseconds>{150, 600, 2000}) * kMillisecond;
  structure_changes_ = world.random.Chance(0.5);
  tables_come_and_go_ = world.random.Chance(0.5);
}

void Clients::Fill() {
  Random random(world_.seed, 4);
  const auto tables = static_cast<int>(random.Between(1, 4));
  const uint32_t xid = database_.Begin();
  for (int i = 0; i < tables; ++i)
    database_.CreateTable(xid, fmt::format("t{}", ++tables_made_), random.Chance(0.25) ? ReplicaIdentity::kFull : ReplicaIdentity::kDefault, random.Chance(0.7));
  if (random.Chance(0.5)) database_.CreateTable(xid, "hidden", ReplicaIdentity::kDefault, false);
  database_.Commit(xid, SystemClock().Now());
  for (int i = 0; i < 5; ++i) {
    const uint32_t filling = database_.Begin();
    for (int64_t rows = random.Between(0, 12); rows > 0; --rows) ChangeSomething(random, filling);
    database_.Commit(filling, SystemClock().Now());
  }
}

void Clients::Start() {
  for (uint64_t i = 0; i < 1 + world_.random.Below(3); ++i) threads_.emplace_back([this, i] { Work(i); });
}

void Clients::Finish() {
  finishing_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void Clients::Pause(Nanoseconds time) {
  const Nanoseconds until = world_.scheduler.now() + time;
  while (!finishing_ && world_.scheduler.now() < until) world_.scheduler.SleepUntil(std::min(until, world_.scheduler.now() + kSecond));
}

void Clients::Work(uint64_t number) {
  world_.scheduler.NameSelf(fmt::format("client {}", number));
  Random random(world_.seed, 10 + number);
  while (!finishing_) {
    Pause(random.Between(0, pause_max_));
    if (!world_.server.up(world_.scheduler.now())) continue;
    if (random.Chance(0.1)) {
      Count(Event::kOtherTraffic);
      database_.OtherTraffic(random.Below(2000) + 8);
    }
    if (random.Chance(0.05)) {
      Count(Event::kLogicalMessage);
      const auto now = SystemClock().Now().time_since_epoch().count();
      database_.Message(0, false, random.Chance(0.5) ? "sluice" : "other", std::to_string(now));
    }
    RunTransaction(random);
  }
}

bool Clients::StillOpen(uint32_t xid) const { return database_.IsOpen(xid); }

void Clients::RunTransaction(Random& random) {
  const uint32_t xid = database_.Begin();
  const bool large = random.Chance(0.06), slow = random.Chance(0.25), very_long = random.Chance(0.02);
  if (large) Count(Event::kLargeTransaction);
  const double alters = !structure_changes_ ? 0 : world_.server.snapshots_under_way > 0 ? 0.4 : 0.08;
  if (random.Chance(alters)) ChangeStructure(random, xid);
  int64_t changes = large ? random.Between(30, 120) : random.Between(1, 6);
  for (; changes > 0 && StillOpen(xid); --changes) {
    ChangeSomething(random, xid);
    if (random.Chance(large ? 0.05 : 0.15)) {
      database_.Savepoint(xid);
      if (random.Chance(2 * alters)) ChangeStructure(random, xid);
    }
    if (random.Chance(0.08) && database_.HasSavepoint(xid)) {
      Count(Event::kSavepointRollback);
      if (database_.RollbackToSavepoint(xid)) Count(Event::kStructureUndone);
    }
    if (random.Chance(0.04)) database_.Message(xid, true, "other", "in a transaction");
    if (slow && random.Chance(large ? 0.1 : 0.5)) Pause(random.Between(1, 400) * kMillisecond);
  }
  if (very_long) {
    Count(Event::kLongTransaction);
    Pause(random.Between(5, 70) * kSecond);
  }
  if (StillOpen(xid)) End(random, xid);
}

void Clients::End(Random& random, uint32_t xid) {
  if (random.Chance(0.1)) {
    Count(Event::kRollback);
    database_.Abort(xid);
    return;
  }
  if (database_.OpenTransactions().size() > 1) Count(Event::kInterleaved);
  Count(Event::kTransaction);
  const Lsn end = database_.Commit(xid, SystemClock().Now());
  Trace("client commits {} at {}", xid, ToString(end));
}

Row Clients::RandomRow(Random& random, const TableShape& shape) {
  Row row;
  for (const ColumnShape& column : shape.columns) {
    if (column.attribute == 1 || random.Chance(0.1)) continue;
    row[column.attribute] = fmt::format("{}-{}", ++last_value_, std::string(column.toasted ? 40 + random.Below(200) : random.Below(20), 'x'));
  }
  return row;
}

void Clients::ChangeSomething(Random& random, uint32_t xid) {
  const std::vector<Oid> tables = database_.WritableTables(xid);
  if (tables.empty()) return;
  const Oid table = random.Pick(tables);
  const bool being_copied = world_.server.snapshots_under_way > 0;
  if (random.Chance(being_copied ? 0.05 : 0.01)) return Truncate(random, xid, tables);
  const std::vector<int64_t> keys = database_.WritableKeys(xid, table);
  const TableShapePtr shape = database_.ShapeFor(xid, table);
  const bool insert = keys.size() < 4 || (keys.size() < 60 && random.Chance(0.35));
  if (!insert && random.Chance(0.08)) return Rotate(random, xid, table, keys);
  if (!insert) return ChangeRow(random, xid, table, random.Pick(keys));
  if (database_.Insert(xid, table, NewKey(random), RandomRow(random, *shape))) Count(Event::kInsert);
}

void Clients::ChangeRow(Random& random, uint32_t xid, Oid table, int64_t key) {
  if (random.Chance(0.3)) {
    if (database_.Delete(xid, table, key)) Count(Event::kDelete);
    return;
  }
  const TableShapePtr shape = database_.ShapeFor(xid, table);
  std::map<int16_t, std::optional<std::string>> changed;
  const Row row = RandomRow(random, *shape);
  for (const ColumnShape& column : shape->columns) {
    if (column.attribute == 1 || random.Chance(0.5)) continue;
    const auto value = row.find(column.attribute);
    changed[column.attribute] = value == row.end() ? std::nullopt : std::optional(value->second);
  }
  const bool other_key = random.Chance(0.15);
  if (database_.Update(xid, table, key, other_key ? NewKey(random) : key, changed)) Count(other_key ? Event::kKeyChange : Event::kUpdate);
}

void Clients::Rotate(Random& random, uint32_t xid, Oid table, const std::vector<int64_t>& keys) {
  if (keys.size() < 3) return;
  const size_t first = random.Below(keys.size() - 2);
  const int64_t a = keys[first], b = keys[first + 1], c = keys[first + 2], spare = NewKey(random);
  for (const auto& [from, to] : {std::pair(a, spare), std::pair(c, a), std::pair(b, c), std::pair(spare, b)})
    if (!database_.Update(xid, table, from, to, {})) return;
  Count(Event::kRotation);
}

void Clients::Truncate(Random& random, uint32_t xid, const std::vector<Oid>& tables) {
  std::vector<Oid> chosen;
  for (const Oid table : tables)
    if (chosen.empty() || random.Chance(0.3)) chosen.push_back(table);
  if (!database_.Truncate(xid, chosen)) return;
  Count(chosen.size() > 1 ? Event::kTruncateMany : Event::kTruncate);
}

// Those that another one may be about to drop are not counted.
size_t Clients::FollowedTables(uint32_t xid) const {
  const std::vector<Oid> tables = database_.WritableTables(xid);
  return static_cast<size_t>(std::count_if(tables.begin(), tables.end(), [&](Oid table) { return IsFollowed(*database_.ShapeFor(xid, table)); }));
}

void Clients::ChangeStructure(Random& random, uint32_t xid) {
  const std::vector<Oid> tables = database_.WritableTables(xid);
  if (tables.empty()) return;
  const Oid table = random.Pick(tables);
  const TableShapePtr shape = database_.ShapeFor(xid, table);
  const uint64_t what = random.Below(tables_come_and_go_ ? 7 : 3);
  if (what == 0 && database_.AddColumn(xid, table, random.Chance(0.3))) return Count(Event::kAddColumn);
  if (what == 1 && shape->columns.size() > 2 && database_.DropColumn(xid, table, shape->columns.back().attribute)) return Count(Event::kDropColumn);
  if (what == 2 && database_.Rewrite(xid, table)) return Count(Event::kRewritten);
  if (what < 3) return;
  const std::string name = shape->name.name;
  if (what == 3 && database_.tables().size() < kTablesMax) {
    database_.CreateTable(xid, fmt::format("t{}", ++tables_made_), ReplicaIdentity::kDefault, random.Chance(0.5));
    return Count(Event::kCreateTable);
  }
  if (!IsFollowed(*shape) || FollowedTables(xid) < 2 || !database_.DropTable(xid, table)) return;
  if (what == 4) return Count(Event::kDropTable);
  database_.CreateTable(xid, name, ReplicaIdentity::kDefault, random.Chance(0.5));
  Count(Event::kRecreateTable);
}

}  // namespace sluice::simulator
