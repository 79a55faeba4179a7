#include "sim_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "coverage.h"
#include "observability/errors/source_codes.h"
#include "measured_stream.h"
#include "sim_initial_copy.h"
#include "sim_stream.h"
#include "source/postgres/catalog_schema_resolver.h"
#include "source/postgres/pg_change_stream.h"

namespace sluice::simulator {
namespace {

/// Completes what a RELATION says from the catalog of now, as CatalogSchemaResolver does over a connection.
class SimResolver final : public SchemaResolver {
 public:
  SimResolver(World& world, LifePtr life, std::shared_ptr<SchemaRegistry> schemas) : world_(world), life_(std::move(life)), schemas_(std::move(schemas)) {}

  Result<TableSchemaPtr> Resolve(const RelationFacts& facts) override {
    RETURN_IF_ERROR(world_.Travel(*life_));
    std::optional<TableSchema> current;
    const auto found = world_.server.database.tables().find(facts.oid);
    if (found != world_.server.database.tables().end()) current = SchemaOf(*found->second.shape);
    else if (const TableSchemaPtr newest = schemas_->Newest(facts.oid)) current = *newest;
    TableSchema schema = MergeWithCatalog(facts, current ? &*current : nullptr);
    for (size_t i = 0; i < schema.columns.size(); ++i) {
      if (schema.columns[i].type) continue;
      Type type;
      type.oid = facts.columns[i].type;
      schema.columns[i].type = std::make_shared<const Type>(std::move(type));
    }
    return schemas_->Intern(std::move(schema));
  }
  void NameType(Oid, const TableName&) override {}

 private:
  World& world_;
  const LifePtr life_;
  const std::shared_ptr<SchemaRegistry> schemas_;
};

}  // namespace

Result<std::unique_ptr<Source>> SimSource::Connect(World& world, LifePtr life) {
  RETURN_IF_ERROR(world.Travel(*life));
  if (!world.server.up(world.scheduler.now())) return Cut("the source does not answer");
  std::unique_ptr<SimSource> source(new SimSource(world, std::move(life)));
  RETURN_IF_ERROR(source->Call("connect"));
  return std::unique_ptr<Source>(std::move(source));
}

Status SimSource::Call(const char* what) {
  if (world_.faults.Strikes(Fault::kSourceSlow)) world_.scheduler.SleepUntil(world_.scheduler.now() + world_.random.Between(10, 2000) * kMillisecond);
  RETURN_IF_ERROR(world_.Travel(*life_));
  if (world_.server.incarnation != incarnation_ || !world_.server.up(world_.scheduler.now())) return Cut(what);
  if (world_.faults.Strikes(Fault::kSourceError)) {
    Count(Event::kSourceError);
    return Cut(what);
  }
  world_.server.Settle(world_.scheduler.now());
  return Ok();
}

Result<std::vector<TableDefinition>> SimSource::ReadTables() {
  RETURN_IF_ERROR(Call("read tables"));
  std::vector<TableDefinition> tables;
  for (const auto& [oid, table] : world_.server.database.tables())
    if (IsFollowed(*table.shape)) tables.push_back(Define(table));
  for (TableDefinition& table : tables) table.schema = schemas_->Intern(*table.schema);  // A lock: others may come first.
  return tables;
}

Status SimSource::EnsurePublication(const std::vector<TableDefinition>& tables) {
  RETURN_IF_ERROR(Call("publish"));
  if (tables.empty()) return Error{ErrorKind::kNeedsOperator, "no table matches the configuration", slu::kNoTables};
  std::set<TableName> names;
  for (const TableDefinition& table : tables) names.insert(table.schema->name);
  world_.server.database.Publish(names);
  return Ok();
}

Result<std::set<TableName>> SimSource::PublishedTables() {
  RETURN_IF_ERROR(Call("published tables"));
  std::set<TableName> names;
  for (const auto& [oid, table] : world_.server.database.tables())
    if (table.published) names.insert(table.shape->name);
  return names;
}

Result<std::optional<SlotState>> SimSource::FindSlot() {
  RETURN_IF_ERROR(Call("find slot"));
  const std::optional<SlotFacts> facts = world_.server.Facts(world_.scheduler.now());
  return facts ? std::optional(facts->state) : std::nullopt;
}

namespace {

class SnapshotUnderWay {
 public:
  explicit SnapshotUnderWay(FakeServer& server) : server_(server) { ++server_.snapshots_under_way; }
  ~SnapshotUnderWay() { --server_.snapshots_under_way; }
  SnapshotUnderWay(const SnapshotUnderWay&) = delete;
  SnapshotUnderWay& operator=(const SnapshotUnderWay&) = delete;

 private:
  FakeServer& server_;
};

}  // namespace

// As PostgreSQL: a snapshot waits until every transaction that is open now has ended.
Status SimSource::WaitForOpenTransactions(std::chrono::milliseconds wait_max) {
  std::vector<uint32_t> open = world_.server.database.OpenTransactions();
  const auto deadline = std::chrono::steady_clock::now() + wait_max;
  for (bool waited = false;; waited = true) {
    std::erase_if(open, [&](uint32_t xid) { return !world_.server.database.IsOpen(xid); });
    if (open.empty()) return Ok();
    if (!waited) Count(Event::kSnapshotWaited);
    if (std::chrono::steady_clock::now() >= deadline) {
      Count(Event::kSnapshotLate);
      return Error{ErrorKind::kUnavailable, "the snapshot waits for an open transaction", slu::kSlotWait};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    RETURN_IF_ERROR(Call("wait for open transactions"));
  }
}

Result<std::unique_ptr<InitialCopy>> SimSource::CreateSlotWithSnapshot() {
  const SnapshotUnderWay under_way(world_.server);
  RETURN_IF_ERROR(Call("create slot"));
  RETURN_IF_ERROR(WaitForOpenTransactions(kSnapshotWaitMax));
  if (world_.server.slot) return Error{ErrorKind::kNeedsOperator, "the slot exists already", slu::kSlotMissing};
  FakeServer::Slot slot;
  slot.confirmed = slot.on_disk = world_.server.database.OtherTraffic(64);
  world_.server.slot = slot;
  auto copy = std::make_unique<SimInitialCopy>(world_, life_);
  RETURN_IF_ERROR(Call("create slot"));  // The slot may be there although nobody hears of it.
  return std::unique_ptr<InitialCopy>(std::move(copy));
}

Result<std::unique_ptr<InitialCopy>> SimSource::ExportSnapshot(std::chrono::milliseconds wait_max) {
  const SnapshotUnderWay under_way(world_.server);
  RETURN_IF_ERROR(Call("export snapshot"));
  RETURN_IF_ERROR(WaitForOpenTransactions(wait_max));
  world_.server.database.OtherTraffic(64);
  auto copy = std::make_unique<SimInitialCopy>(world_, life_);
  RETURN_IF_ERROR(Call("export snapshot"));
  return std::unique_ptr<InitialCopy>(std::move(copy));
}

Result<std::unique_ptr<ChangeStream>> SimSource::OpenStream(Lsn resume_from) {
  RETURN_IF_ERROR(Call("open stream"));
  RETURN_IF_ERROR(CheckSlot(world_.server.Facts(world_.scheduler.now()), identity_.slot, identity_.database, resume_from));
  RETURN_IF_ERROR(Call("start replication"));
  auto connection = SimStream::Start(world_, life_, resume_from);
  if (!connection.ok()) return connection.error();
  auto started = world_.server.Facts(world_.scheduler.now());
  if (started) started->state.active = false;
  RETURN_IF_ERROR(CheckSlot(started, identity_.slot, identity_.database, resume_from));
  PgChangeStream::Options options;
  options.database = identity_.database;
  options.spill_folder = "/tmp";
  options.resume_from = resume_from;
  options.binary = world_.binary;
  options.limits = world_.assembler_limits;
  auto stream = std::make_unique<PgChangeStream>(options, std::move(*connection), std::make_unique<SimResolver>(world_, life_, schemas_), nullptr);
  return std::unique_ptr<ChangeStream>(std::make_unique<MeasuredStream>(world_, std::move(stream)));
}

Result<Lsn> SimSource::CurrentLsn() {
  RETURN_IF_ERROR(Call("current lsn"));
  return world_.server.database.end();
}

// A new timeline is one that lacks what was streamed: no history leads to it.
Result<SourceLog> SimSource::ReadLog() {
  ASSIGN_OR_RETURN(const Lsn end, CurrentLsn());
  return SourceLog{identity_, end, {}};
}

Result<Timestamp> SimSource::Now() {
  RETURN_IF_ERROR(Call("now"));
  return SystemClock().Now();
}

Status SimSource::DropSlotAndPublication() { return Ok(); }

}  // namespace sluice::simulator
