// A catalog that takes one table at a time, and what is left in it by processes that end anywhere, or wake up late.

#include "sink/lake/commit_in_turn.h"

#include <fmt/format.h>

#include <array>
#include <functional>
#include <future>
#include <random>

#include "observability/error_catalog.h"
#include "sink/lake/cuts.h"
#include "sink/lake/lake_sink_fixture.h"

namespace sluice {
namespace {

using namespace sluice::testing;  // NOLINT(google-build-using-namespace)

Error Lost() { return {ErrorKind::kOutcomeUnknown, "the reply was lost", slu::kCatalogUnknown}; }
Error Down() { return {ErrorKind::kUnavailable, "the process is gone", slu::kRestUnavailable}; }

/// What becomes of the commits of all processes.
struct Fates {
  enum class Fate { kAnswered, kReplyLost, kLate };

  std::mutex mutex;
  int commits_left = -1;               ///< Then the process is gone; below 0: it stays.
  std::function<Fate()> next = nullptr;  ///< Of a commit of one table.
  std::vector<TableCommit> late;       ///< Still on their way.
  std::vector<std::string> seen;       ///< Which table or namespace was committed.
};

/// Commits one table at a time, as a server of the REST protocol does it: under the requirements alone, not under the metadata that the
/// client knows.
class CatalogInTurn final : public Catalog {
 public:
  CatalogInTurn(std::unique_ptr<Catalog> catalog, Fates& fates) : catalog_(std::move(catalog)), fates_(fates) {}

  Status CreateNamespace(const std::string& name_space) override { return catalog_->CreateNamespace(name_space); }
  Result<std::optional<iceberg::Properties>> NamespaceProperties(const std::string& name_space) override { return catalog_->NamespaceProperties(name_space); }
  Result<std::vector<std::string>> ListNamespaces() override { return catalog_->ListNamespaces(); }
  Result<std::vector<TableIdentifier>> ListTables(const std::string& name_space) override { return catalog_->ListTables(name_space); }
  Result<std::optional<std::string>> MetadataLocation(const TableIdentifier& table) override { return catalog_->MetadataLocation(table); }
  Result<std::optional<CatalogTable>> LoadTable(const TableIdentifier& table) override { return catalog_->LoadTable(table); }
  Status DropTable(const TableIdentifier& table) override { return catalog_->DropTable(table); }
  bool commits_many_tables() const override { return false; }
  std::string DefaultLocation(const TableIdentifier& table) const override { return catalog_->DefaultLocation(table); }

  Result<std::vector<CatalogTable>> Commit(const std::vector<TableCommit>& tables, const std::optional<NamespaceUpdate>& name_space) override {
    const std::lock_guard lock(fates_.mutex);
    EXPECT_EQ(tables.size() + (name_space ? 1 : 0), 1u);
    if (fates_.commits_left == 0) return Down();
    if (fates_.commits_left > 0) --fates_.commits_left;
    fates_.seen.push_back(name_space ? name_space->name_space : tables.front().table.name);
    if (name_space) return catalog_->Commit({}, name_space);
    const auto fate = fates_.next && tables.front().base.metadata ? fates_.next() : Fates::Fate::kAnswered;
    if (fate == Fates::Fate::kLate) {
      fates_.late.push_back(tables.front());
      return Lost();
    }
    auto committed = CommitAsAServer(tables.front());
    if (fate == Fates::Fate::kReplyLost) return Lost();
    return committed;
  }

  /// Whether what was on its way got in.
  bool Deliver(const TableCommit& commit) { return CommitAsAServer(commit).ok(); }

 private:
  Result<std::vector<CatalogTable>> CommitAsAServer(const TableCommit& commit) {
    if (!commit.base.metadata) return catalog_->Commit({commit}, std::nullopt);
    ASSIGN_OR_RETURN(const auto now, catalog_->LoadTable(commit.table));
    const Error conflict{ErrorKind::kConflict, "another writer was first", slu::kCatalogConflict};
    const iceberg::TableMetadata& base = *commit.base.metadata;
    if (!now || now->metadata->table_uuid != base.table_uuid || now->metadata->current_snapshot_id != base.current_snapshot_id) return conflict;
    for (const auto& update : commit.updates)
      if (std::holds_alternative<iceberg::AddSchema>(update) && now->metadata->current_schema_id != base.current_schema_id) return conflict;
    return catalog_->Commit({{commit.table, *now, commit.requirements, commit.updates}}, std::nullopt);
  }

  const std::unique_ptr<Catalog> catalog_;
  Fates& fates_;
};

class CommitInTurnTest : public LakeSinkFixture {
 protected:
  Status TryOpen() {
    sink_.reset();
    ASSIGN_OR_RETURN(auto store, ObjectStore::Open(config_.warehouse));
    ASSIGN_OR_RETURN(auto catalog, OpenCatalog(config_, *store));
    ASSIGN_OR_RETURN(auto sink, LakeSink::OpenWith(config_, kLog, std::move(store), std::make_unique<CatalogInTurn>(std::move(catalog), fates_), std::make_unique<SystemClock>(), &orders_));
    sink_ = std::move(sink);
    return Ok();
  }
  void OpenInTurn() { ASSERT_OK(TryOpen()); }
  /// A lake of its own.
  void OpenFresh(int number) {
    config_.warehouse = fmt::format("{}/{}", folder_.path(), number);
    OpenInTurn();
  }

  bool DeliverLate() {
    auto store = ObjectStore::Open(config_.warehouse);
    CatalogInTurn catalog(*OpenCatalog(config_, **store), fates_);
    bool any = false;
    for (const TableCommit& commit : std::exchange(fates_.late, {})) any |= catalog.Deliver(commit);
    return any;
  }

  std::optional<CatalogTable> TableOf(const TableName& name) {
    auto store = ObjectStore::Open(config_.warehouse);
    return **(*OpenCatalog(config_, **store))->LoadTable({name.name_space, name.name});
  }
  Lsn MarkOf(const TableName& name) { return ParseSnapshotMark(TableOf(name)->metadata->properties)->lsn; }

  Fates fates_;
  LakeOrders orders_;
};

const TableName kOther{"public", "u"};

TEST_F(CommitInTurnTest, TheBookmarkComesAfterAllTables) {
  const TableSchemaPtr t = TestSchema("t"), u = TestSchema("u", false, 2000);
  OpenInTurn();
  Copy(t, {{1, "a", "x"}});
  Copy(u, {{1, "a", "x"}});
  fates_.seen.clear();
  BatchMaker batch(t);
  batch.AddTable(u);
  batch.Insert({2, "b", "y"}).Insert({2, "b", "y"}, 1);
  Apply(batch, 200);
  std::sort(fates_.seen.begin(), fates_.seen.end() - 1);
  EXPECT_EQ(fates_.seen, (std::vector<std::string>{"t", "u", kBookmarkNamespace}));
}

TEST_F(CommitInTurnTest, ATableAheadOfTheBookmarkSkipsWhatItHasUntilThatHasPassedIt) {
  auto bare = std::make_shared<TableSchema>(*TestSchema("t"));
  bare->key.clear();
  const TableSchemaPtr u = TestSchema("u", false, 2000);
  const auto change = [&](uint64_t lsn) {
    BatchMaker batch(bare);
    batch.AddTable(u);
    batch.Insert({static_cast<int64_t>(lsn), "b", "y"}).Insert({static_cast<int64_t>(lsn), "b", "y"}, 1).End(lsn);
    return batch.Make();
  };
  OpenInTurn();
  Copy(bare, {});
  Copy(u, {});
  for (const uint64_t lsn : {200u, 300u}) ASSERT_OK(sink_->Write(change(lsn)));
  fates_.commits_left = 2;  // Both tables, and not the bookmark.
  const Status failed = Commit(300);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().kind, ErrorKind::kOutcomeUnknown);
  fates_.commits_left = -1;
  OpenInTurn();
  ASSERT_EQ(sink_->bookmark()->position.lsn, Lsn{100});
  EXPECT_EQ(sink_->copied_tables().at(kTable).catching_up_from, Lsn{300});
  EXPECT_EQ(ResumeLsn(sink_->bookmark()->position.lsn, sink_->copied_tables()), Lsn{100});
  ASSERT_OK(sink_->Write(change(200)));
  ASSERT_OK(Commit(200));  // A moment that the tables have no snapshot of.
  EXPECT_EQ(MarkOf(kTable), Lsn{300});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(sink_->copied_tables().at(kTable).catching_up_from, Lsn{300});
    const auto cut = FindCut({{kTable, TableOf(kTable)->metadata, std::nullopt}}, sink_->bookmark(), {});
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->lsn, Lsn{200});
    EXPECT_EQ(cut->tables[0].state, CutState::kExpired);
    OpenInTurn();
  }
  ASSERT_OK(sink_->Write(change(200)));
  ASSERT_OK(sink_->Write(change(300)));
  ASSERT_OK(sink_->Write(change(400)));
  ASSERT_OK(Commit(400));
  EXPECT_FALSE(sink_->copied_tables().at(kTable).catching_up_from);
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"200|b|y", "300|b|y", "400|b|y"}));
  EXPECT_EQ(RowsInLake(config_, kOther), (Rows{"200|b|y", "300|b|y", "400|b|y"}));
}

TEST_F(CommitInTurnTest, ATableAheadIsHeldAsFarAsItIs) {
  const TableSchemaPtr schema = TestSchema("t");
  OpenInTurn();
  Copy(schema, {});
  BatchMaker batch(schema);
  batch.Insert({1, "a", "x"}).End(200);
  ASSERT_OK(sink_->Write(batch.Make()));
  fates_.commits_left = 1;
  ASSERT_FALSE(Commit(200).ok());
  fates_.commits_left = -1;
  OpenInTurn();
  ASSERT_OK(sink_->Hold(kTable, {1000, 4107, "another type", sink_->bookmark()->position.lsn}));
  EXPECT_EQ(sink_->held_tables().at(kTable).lsn, Lsn{200});
}

TEST_F(CommitInTurnTest, ChangesAheadOfTheBookmarkAreThereOnceAlsoWhereTheirFilesAreMerged) {
  config_.changes.tables = {"public.t"};
  config_.maintenance.files_merged_at = 2;
  config_.maintenance.look_every = std::chrono::milliseconds(0);
  const TableName changes{"public", "t_changes"};
  const TableSchemaPtr schema = TestSchema("t");
  const auto stream = [&](uint64_t from, uint64_t to) {
    BatchMaker some(schema);
    for (uint64_t lsn = from; lsn <= to; lsn += 100) some.Insert({static_cast<int64_t>(lsn / 100), "a", "x"}).End(lsn);
    return sink_->Write(some.Make());
  };
  const auto versions = [&](size_t rows) {
    EXPECT_EQ(RowsOf(config_, *TableOf(changes)->metadata).size(), rows);
    EXPECT_EQ(RowsInLake(config_, kTable).size(), rows);
  };
  OpenInTurn();
  Copy(schema, {{1, "a", "x"}});
  ASSERT_OK(stream(200, 300));
  fates_.commits_left = 1;
  ASSERT_FALSE(Commit(300).ok());
  fates_.commits_left = -1;
  EXPECT_EQ(MarkOf(changes), Lsn{300});
  EXPECT_EQ(MarkOf(kTable), Lsn{100});
  OpenInTurn();
  ASSERT_OK(stream(200, 200));
  lake_sink().WaitForMaintenance();
  ASSERT_OK(Commit(200));
  EXPECT_EQ(MarkOf(changes), Lsn{300});
  OpenInTurn();
  ASSERT_OK(stream(300, 400));
  ASSERT_OK(Commit(400));
  versions(4);
  lake_sink().WaitForMaintenance();
  ASSERT_OK(stream(500, 500));
  ASSERT_OK(Commit(500));
  versions(5);
  EXPECT_EQ(TableOf(changes)->metadata->FindSnapshot(*TableOf(changes)->metadata->current_snapshot_id)->summary.at("operation"), "replace");
}

TEST_F(CommitInTurnTest, WhatAProcessThatWasOvertakenHasOnItsWayIsTakenWholeOrNotAtAll) {
  const TableSchemaPtr schema = TestSchema("t");
  for (const bool successor_was_first : {false, true}) {
    SCOPED_TRACE(successor_was_first);
    config_.warehouse = folder_.path() + (successor_was_first ? "/first" : "/second");
    fates_.next = nullptr;
    OpenInTurn();
    Copy(schema, {});
    BatchMaker batch(schema);
    batch.Insert({1, "a", "x"}).End(200);
    ASSERT_OK(sink_->Write(batch.Make()));
    fates_.next = [] { return Fates::Fate::kLate; };
    ASSERT_FALSE(Commit(200).ok());
    fates_.next = nullptr;
    OpenInTurn();
    ASSERT_OK(sink_->Write(batch.Make()));
    if (successor_was_first) {
      ASSERT_OK(Commit(200));
      EXPECT_FALSE(DeliverLate());
    } else {
      EXPECT_TRUE(DeliverLate());
      EXPECT_EQ(Commit(200).error().kind, ErrorKind::kConflict);
      OpenInTurn();
      ASSERT_OK(sink_->Write(batch.Make()));
      ASSERT_OK(Commit(200));
    }
    EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x"}));
  }
}

TEST_F(CommitInTurnTest, ChangesOfColumnsAreNoWayRoundTheSnapshot) {
  const TableSchemaPtr schema = TestSchema("t");
  auto renamed = std::make_shared<TableSchema>(*schema), back = std::make_shared<TableSchema>(*schema);
  renamed->columns[1].name = "sort";
  OpenInTurn();
  Copy(schema, {{1, "a", "x"}});
  Apply(BatchMaker(schema).Insert({2, "b", "y"}), 200);
  fates_.next = [] { return Fates::Fate::kLate; };
  BatchMaker batch(renamed);
  batch.Insert({3, "c", "z"}).End(300);
  ASSERT_FALSE(sink_->Write(batch.Make()).ok());
  fates_.next = nullptr;
  OpenInTurn();
  ASSERT_OK(sink_->Write(batch.Make()));
  ASSERT_OK(sink_->Write(BatchMaker(back).Insert({4, "d", "z"}).End(400).Make()));
  ASSERT_EQ(TableOf(kTable)->metadata->schema().fields[1].name, "kind");
  EXPECT_FALSE(DeliverLate());  // By the numbers of columns and schema it would fit.
  EXPECT_EQ(TableOf(kTable)->metadata->schema().fields[1].name, "kind");
  ASSERT_OK(Commit(400));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x", "2|b|y", "3|c|z", "4|d|z"}));
}

TEST_F(CommitInTurnTest, ChangesThatLeaveNothingBehindHaveNoMomentsInBetween) {
  const TableSchemaPtr t = TestSchema("t"), u = TestSchema("u", false, 2000);
  BatchMaker only_u(u), first(t), second(t);
  only_u.Insert({1, "a", "x"}).End(250);
  first.AddTable(u);
  second.AddTable(u);
  first.Insert({1, "a", "x"}).Insert({1, "a", "x"}, 1).End(250);
  second.Delete(1).Insert({2, "a", "x"}, 1).End(300);
  OpenInTurn();
  Copy(t, {{7, "a", "x"}});
  Copy(u, {});
  OpenInTurn();
  ASSERT_OK(Commit(150));
  ASSERT_OK(sink_->Write(only_u.Make()));
  fates_.commits_left = 1;
  ASSERT_FALSE(Commit(250).ok());  // As if t's commit had been lost: u has a moment that t has not.
  fates_.commits_left = -1;
  OpenInTurn();
  ASSERT_OK(sink_->Write(first.Make()));
  ASSERT_OK(sink_->Write(second.Make()));
  ASSERT_OK(Commit(300));
  const auto cut = FindCut({{kTable, TableOf(kTable)->metadata, std::nullopt}, {kOther, TableOf(kOther)->metadata, std::nullopt}}, sink_->bookmark(), {.lsn = Lsn{250}, .time = {}});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->lsn, Lsn{250});
  EXPECT_EQ(cut->tables[0].state, CutState::kExpired);
  EXPECT_EQ(cut->tables[1].state, CutState::kSnapshot);
}

TEST_F(CommitInTurnTest, ACopyThatAnOvertakenProcessHasOnItsWayIsRefused) {
  const TableSchemaPtr schema = TestSchema("t");
  OpenInTurn();
  Copy(TestSchema("u", false, 2000), {});
  const std::vector<TableDefinition> tables{DefinitionOf(schema)};
  ASSERT_OK(sink_->PrepareTables(tables, {{kLog, {120}}, {}}));
  fates_.next = [] { return Fates::Fate::kLate; };
  ASSERT_FALSE(sink_->FinishTables(tables, {kLog, {120}}, {}).ok());
  fates_.next = nullptr;
  OpenInTurn();
  EXPECT_FALSE(DeliverLate());
  EXPECT_FALSE(sink_->copied_tables().contains(kTable));
}

TEST_F(CommitInTurnTest, OfTablesThatBecomeCompleteTogetherEachIsWholeWhereverItEnds) {
  config_.file_bytes_target = 1;  // Every range is kept.
  const TableSchemaPtr t = TestSchema("t"), u = TestSchema("u", false, 2000);
  const std::vector<TableDefinition> tables{DefinitionOf(t), DefinitionOf(u)};
  const TestRow large{1, "a", std::string(2 << 20, 'x')};  // Smaller ranges are not kept one by one.
  const std::string row = CopyRow(large);
  for (int commits = 0; commits <= 4; ++commits) {
    SCOPED_TRACE(commits);
    OpenFresh(commits);
    ASSERT_OK(sink_->PrepareTables(tables, {{kLog, {100}}, {}}));
    for (const TableDefinition& table : tables) {
      auto writer = sink_->OpenCopyWriter(table, BlockRange{});
      ASSERT_OK(writer);
      ASSERT_OK((*writer)->Rows(AsBytes(row), 1));
      ASSERT_OK((*writer)->Finish());
    }
    fates_.commits_left = commits;
    EXPECT_EQ(sink_->FinishTables(tables, {kLog, {100}}, {}).ok(), commits == 4);
    fates_.commits_left = -1;
    OpenInTurn();
    EXPECT_EQ(sink_->bookmark().has_value(), commits > 0);
    const CopiedTables copied = sink_->copied_tables();
    EXPECT_EQ(copied.size(), std::clamp<size_t>(commits, 1, 3) - 1);
    EXPECT_EQ(sink_->kept_copies().size(), tables.size() - copied.size());
    for (const auto& [name, table] : copied) EXPECT_FALSE(sink_->kept_copies().contains(name));
    ASSERT_OK(sink_->KeepCopies({}));  // The files of what is complete are the table's by now.
    for (const auto& [name, table] : copied) EXPECT_EQ(RowsInLake(config_, name), (Rows{large.Text()}));
    for (const TableSchemaPtr& schema : {t, u})
      if (!copied.contains(schema->name)) Copy(schema, {large}, 150);
    OpenInTurn();
    BatchMaker batch(t);
    batch.AddTable(u);
    Apply(batch.Insert({2, "b", "y"}).Insert({2, "b", "y"}, 1), 200);
    for (const TableSchemaPtr& schema : {t, u}) EXPECT_EQ(RowsInLake(config_, schema->name), (Rows{large.Text(), "2|b|y"}));
  }
}

TEST_F(CommitInTurnTest, ForgettingATableEndsAnywhereWithoutTakingItForOneThatWasFollowed) {
  const TableSchemaPtr schema = TestSchema("t");
  for (int commits = 0; commits <= 2; ++commits) {
    SCOPED_TRACE(commits);
    OpenFresh(commits);
    Copy(schema, {{1, "a", "x"}});
    ASSERT_OK(sink_->Hold(kTable, {1000, 4107, "another type", {100}}));
    ASSERT_OK(Commit(200));  // Without the changes of the table.
    fates_.commits_left = commits;
    EXPECT_EQ(sink_->Forget(kTable).ok(), commits == 2);
    fates_.commits_left = -1;
    OpenInTurn();
    EXPECT_FALSE(sink_->copied_tables().contains(kTable));
    EXPECT_EQ(sink_->held_tables().contains(kTable), commits < 2);
    ASSERT_OK(sink_->Forget(kTable));
    Copy(schema, {{7, "n", "x"}}, 300);
    EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"7|n|x"}));
  }
}

TEST_F(CommitInTurnTest, ATableThatIsSetBackIsHeldWhereverItEnds) {
  const TableSchemaPtr schema = TestSchema("t");
  for (int commits = 0; commits <= 2; ++commits) {
    SCOPED_TRACE(commits);
    OpenFresh(commits);
    Copy(schema, {{1, "a", "x"}});
    const int64_t then = *TableOf(kTable)->metadata->current_snapshot_id;
    Apply(BatchMaker(schema).Insert({2, "b", "y"}), 200);
    OpenInTurn();
    auto answer = std::async(std::launch::async, [&] {
      return orders_.Ask({.kind = LakeOrder::Kind::kRollBack, .tables = {kTable}, .snapshot_id = then, .reason = "by hand"}, [](const LakeProgress&) { return true; }, {});
    });
    fates_.commits_left = commits;
    while (answer.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) static_cast<void>(sink_->Attend().ok());
    EXPECT_EQ(answer.get().ok(), commits == 2);
    fates_.commits_left = -1;
    OpenInTurn();
    EXPECT_EQ(sink_->held_tables().contains(kTable), commits > 0);
    EXPECT_EQ(RowsInLake(config_, kTable), (commits == 2 ? Rows{"1|a|x"} : Rows{"1|a|x", "2|b|y"}));
  }
}

TEST_F(CommitInTurnTest, WhatAnInterruptedCopyLeftIsFilledAnewAndNotDropped) {
  const TableSchemaPtr schema = TestSchema("t");
  const std::vector<TableDefinition> tables{DefinitionOf(schema)};
  OpenInTurn();
  ASSERT_OK(sink_->PrepareTables(tables, {{kLog, {100}}, {}}));
  const std::string uuid = TableOf(kTable)->metadata->table_uuid;
  const std::string planted = TableOf(kTable)->metadata->location.substr(7) + "/data/left.parquet";
  std::filesystem::create_directories(std::filesystem::path(planted).parent_path());
  std::filesystem::copy_file("/proc/self/exe", planted);
  OpenInTurn();
  Copy(schema, {{1, "a", "x"}});
  EXPECT_EQ(TableOf(kTable)->metadata->table_uuid, uuid);
  EXPECT_FALSE(std::filesystem::exists(planted));
  EXPECT_EQ(RowsInLake(config_, kTable), (Rows{"1|a|x"}));
}

/// Three tables at the source, and what they hold at each position of its log.
class History {
 public:
  static constexpr size_t kTables = 3;
  static constexpr uint64_t kFirst = 100, kStep = 10;

  History(std::mt19937_64& random, size_t transactions) {
    tables_ = {TestSchema("keyed", false, 1000), TestSchema("full", true, 2000), nullptr};
    auto bare = std::make_shared<TableSchema>(*TestSchema("bare", false, 3000));
    bare->key.clear();
    tables_[2] = bare;
    states_[{kFirst}] = {};
    for (size_t i = 0; i < transactions; ++i) Add(random, kFirst + kStep * (i + 1));
  }

  const TableSchemaPtr& schema(size_t table) const { return tables_[table]; }
  Lsn end() const { return states_.rbegin()->first; }
  const std::map<Lsn, ChangeBatchPtr>& transactions() const { return transactions_; }

  Rows At(size_t table, Lsn lsn) const {
    Rows rows;
    for (const TestRow& row : std::prev(states_.upper_bound(lsn))->second[table]) rows.insert(row.Text());
    return rows;
  }
  const std::vector<TestRow>& RowsToCopy(size_t table, Lsn lsn) const { return std::prev(states_.upper_bound(lsn))->second[table]; }

 private:
  using State = std::array<std::vector<TestRow>, kTables>;

  void Add(std::mt19937_64& random, uint64_t lsn) {
    if (random() % 8 == 0) {
      auto renamed = std::make_shared<TableSchema>(*tables_[0]);
      renamed->columns[1].name = renamed->columns[1].name == "kind" ? "sort" : "kind";
      tables_[0] = renamed;
    }
    State state = states_.rbegin()->second;
    BatchMaker batch(tables_[0]);
    for (size_t table = 1; table < kTables; ++table) batch.AddTable(tables_[table]);
    for (size_t changes = random() % 4 + 1; changes > 0; --changes) Change(random, batch.On(static_cast<uint32_t>(random() % kTables)), state);
    batch.End(lsn);
    transactions_[{lsn}] = batch.Make();
    states_[{lsn}] = std::move(state);
  }

  void Change(std::mt19937_64& random, BatchMaker& batch, State& state) {
    const size_t table = batch.table();
    std::vector<TestRow>& rows = state[table];
    const TestRow row{static_cast<int64_t>(random() % 1000), fmt::format("{}", random() % 100), "b"};
    const auto same = std::find_if(rows.begin(), rows.end(), [&](const TestRow& one) { return one.id == row.id; });
    const size_t what = random() % 10;
    if (what == 0) {
      batch.Truncate();
      rows.clear();
    } else if (what < 4 && table != 2 && !rows.empty()) {
      TestRow& old = rows[random() % rows.size()];
      table == 0 ? batch.Delete(old.id) : batch.DeleteFull(old);
      old = rows.back();
      rows.pop_back();
    } else if (what < 7 && table != 2 && !rows.empty()) {
      TestRow& old = rows[random() % rows.size()];
      const TestRow changed{old.id, row.kind, "c"};
      table == 0 ? batch.Update(changed) : batch.UpdateFull(old, changed);
      old = changed;
    } else if (table != 0 || same == rows.end()) {
      batch.Insert(row);
      rows.push_back(row);
    }
  }

  std::array<TableSchemaPtr, kTables> tables_;
  std::map<Lsn, ChangeBatchPtr> transactions_;
  std::map<Lsn, State> states_;
};

class InterruptedTest : public CommitInTurnTest, public ::testing::WithParamInterface<int> {
 protected:
  static constexpr size_t kTransactions = 40;

  TableName NameOf(size_t table) const { return history_.schema(table)->name; }

  /// As the pipeline does it: what is missing is copied, and then the stream goes on.
  Status Live() {
    RETURN_IF_ERROR(TryOpen());
    RETURN_IF_ERROR(sink_->KeepCopies({}));
    if (random_() % 6 == 0) RETURN_IF_ERROR(sink_->Forget(NameOf(random_() % History::kTables)));
    RETURN_IF_ERROR(CopyMissing());
    const Lsn from = ResumeLsn(sink_->bookmark()->position.lsn, sink_->copied_tables());
    Lsn written = from;
    for (const auto& [lsn, batch] : history_.transactions()) {
      if (lsn <= from) continue;
      sent_ = std::max(sent_, lsn);
      RETURN_IF_ERROR(sink_->Write(batch));
      written = lsn;
      if (random_() % 3 == 0) RETURN_IF_ERROR(CommitAt(lsn));
    }
    return CommitAt(written);
  }

  Status CommitAt(Lsn lsn) {
    RETURN_IF_ERROR(Commit(lsn.value));
    lake_sink().WaitForMaintenance();
    return Ok();
  }

  Status CopyMissing() {
    std::vector<TableDefinition> tables;
    std::vector<size_t> missing;
    for (size_t table = 0; table < History::kTables; ++table) {
      if (sink_->copied_tables().contains(NameOf(table))) continue;
      tables.push_back(DefinitionOf(history_.schema(table)));
      missing.push_back(table);
    }
    if (tables.empty()) return Ok();
    // A snapshot of the source is never older than what the slot has been told.
    const Lsn acknowledged = sink_->bookmark() ? ResumeLsn(sink_->bookmark()->position.lsn, sink_->copied_tables()) : Lsn{History::kFirst};
    Lsn at{acknowledged.value + (sink_->bookmark() ? random_() % 8 * History::kStep : 0)};
    // Nor than what it was sent, which had been committed.
    if (!config_.changes.tables.empty()) at = std::max(at, sent_);
    std::unique_ptr<Sink> beside;
    if (sink_->bookmark()) {
      ASSIGN_OR_RETURN(beside, sink_->OpenBeside());
    }
    Sink& copying = beside ? *beside : *sink_;
    RETURN_IF_ERROR(copying.PrepareTables(tables, {{kLog, at}, {}}));
    for (size_t i = 0; i < tables.size(); ++i) {
      ASSIGN_OR_RETURN(const auto writer, copying.OpenCopyWriter(tables[i], BlockRange{}));
      std::string bytes;
      const auto& rows = history_.RowsToCopy(missing[i], at);
      for (const TestRow& row : rows) bytes += CopyRow(row);
      RETURN_IF_ERROR(writer->Rows(AsBytes(bytes), rows.size()));
      RETURN_IF_ERROR(writer->Finish());
    }
    RETURN_IF_ERROR(copying.FinishTables(tables, {kLog, at}, Timestamp(std::chrono::seconds(at.value))));
    beside.reset();
    return TryOpen();
  }

  static std::string HistoryOf(const iceberg::TableMetadata& metadata) {
    std::string text = "\nnewest first:";
    for (const MarkedSnapshot& at : MainHistory(metadata)) {
      const auto own = ParseSnapshotMark(at.snapshot->summary);
      text += fmt::format(" {}({}) since {}", at.snapshot->snapshot_id % 1000, own ? ToString(own->lsn) : "-", own && own->since ? ToString(*own->since) : "-");
    }
    for (const auto& [key, value] : metadata.properties)
      if (key.starts_with("sluice.")) text += fmt::format("\n{} {}", key, value);
    return text;
  }

  /// What the versions in a table of changes come to, one after the other.
  Rows Replayed(size_t table, const iceberg::TableMetadata& changes) const {
    std::vector<std::vector<std::string>> versions;
    for (const std::string& row : RowsOf(config_, changes, 0)) {
      std::vector<std::string>& values = versions.emplace_back(1);
      for (const char c : row) {
        if (c == '|') values.emplace_back();
        else values.back() += c;
      }
    }
    // id, kind, body, _op, _seq, _ingested_at, _committed_at, _lsn
    const auto order = [](const std::vector<std::string>& version) { return std::pair(std::stoll(version[7]), std::stoll(version[4])); };
    std::sort(versions.begin(), versions.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
    Rows rows;
    for (size_t i = 0; i < versions.size(); ++i) {
      const std::vector<std::string>& version = versions[i];
      const std::string& op = version[3];
      EXPECT_TRUE(i == 0 || op == "copy" || order(versions[i - 1]) < order(version)) << "a version is there twice: " << fmt::format("{}", fmt::join(version, "|"));
      const std::string text = version[0] + "|" + version[1] + "|" + version[2];
      const auto same_id = [&] { return std::find_if(rows.begin(), rows.end(), [&](const std::string& row) { return row.starts_with(version[0] + "|"); }); };
      if (op == "truncate") rows.clear();
      else if (table == 0 && (op == "delete" || op == "update")) rows.erase(same_id());
      else if (op == "delete") rows.erase(rows.find(text));
      if (op != "truncate" && op != "delete") rows.insert(text);
    }
    return rows;
  }

  /// Each table that was copied is what the source was at its own mark, and each cut is what the source was.
  void CheckTruth() {
    auto store = ObjectStore::Open(config_.warehouse);
    auto catalog = *OpenCatalog(config_, **store);
    const auto bookmark = *ParseBookmark((*catalog->NamespaceProperties(kBookmarkNamespace)).value_or(iceberg::Properties{}));
    std::vector<CutTable> tables;
    std::vector<size_t> numbers;
    for (size_t table = 0; table < History::kTables; ++table) {
      const auto loaded = *catalog->LoadTable({NameOf(table).name_space, NameOf(table).name});
      if (const auto changes = *catalog->LoadTable({NameOf(table).name_space, NameOf(table).name + "_changes"}); changes && changes->metadata->properties.contains(kLastVersionProperty)) {
        const Lsn mark = ParseSnapshotMark(changes->metadata->properties)->lsn;
        ASSERT_EQ(Replayed(table, *changes->metadata), history_.At(table, mark)) << ToString(NameOf(table)) << " by its changes at " << ToString(mark) << HistoryOf(*changes->metadata);
      }
      if (!loaded) continue;
      tables.push_back({NameOf(table), loaded->metadata, std::nullopt});
      numbers.push_back(table);
      const auto copied = *ParseCopiedTable(loaded->metadata->properties);
      if (!copied) continue;
      const Lsn mark = ParseSnapshotMark(loaded->metadata->properties)->lsn;
      ASSERT_EQ(RowsOf(config_, *loaded->metadata), history_.At(table, mark)) << ToString(NameOf(table)) << " at " << ToString(mark);
    }
    if (!bookmark) return;
    for (uint64_t lsn = History::kFirst; lsn <= bookmark->position.lsn.value; lsn += History::kStep) {
      const auto cut = FindCut(tables, bookmark, {.lsn = Lsn{lsn}, .time = {}});
      if (!cut) continue;
      for (size_t i = 0; i < tables.size(); ++i) {
        const TableAtCut& at = cut->tables[i];
        if (at.state == CutState::kEmpty) {
          ASSERT_EQ(history_.At(numbers[i], cut->lsn), Rows{});
        }
        if (at.state != CutState::kSnapshot) continue;
        iceberg::TableMetadata then = *tables[i].metadata;
        then.current_snapshot_id = at.snapshot_id;
        ASSERT_EQ(RowsOf(config_, then), history_.At(numbers[i], cut->lsn)) << ToString(at.name) << " at the cut " << ToString(cut->lsn) << " of bookmark " << ToString(bookmark->position.lsn) << HistoryOf(*tables[i].metadata);
      }
    }
  }

  std::mt19937_64 random_{static_cast<uint64_t>(GetParam())};
  History history_{random_, kTransactions};
  Lsn sent_{History::kFirst};
};

TEST_P(InterruptedTest, ByKillsAfterAnyCommitLostRepliesAndLateOnesItIsTheSourceAllTheSame) {
  config_.file_bytes_target = 1;
  config_.maintenance.files_merged_at = 2;
  config_.maintenance.look_every = std::chrono::milliseconds(0);
  if (GetParam() % 2 == 0) config_.changes.tables = {"*.*"};
  fates_.next = [this] {
    const size_t what = random_() % 12;
    return what == 0 ? Fates::Fate::kReplyLost : what == 1 ? Fates::Fate::kLate : Fates::Fate::kAnswered;
  };
  int lives = 0;
  for (; lives < 25; ++lives) {
    fates_.commits_left = static_cast<int>(random_() % 20);
    const Status lived = Live();
    fates_.commits_left = -1;
    if (random_() % 2 == 0) DeliverLate();
    CheckTruth();
    if (HasFatalFailure()) return;
    if (lived.ok()) continue;
    ASSERT_TRUE(lived.error().kind == ErrorKind::kUnavailable || lived.error().kind == ErrorKind::kOutcomeUnknown || lived.error().kind == ErrorKind::kConflict)
        << lived.error().message << " " << lived.error().evidence;
  }
  fates_.next = nullptr;
  while (!Live().ok()) ASSERT_LT(++lives, 40);
  CheckTruth();
  EXPECT_EQ(sink_->bookmark()->position.lsn, history_.end());
  for (size_t table = 0; table < History::kTables; ++table) {
    EXPECT_EQ(RowsInLake(config_, NameOf(table)), history_.At(table, history_.end()));
    const TableName changes{NameOf(table).name_space, NameOf(table).name + "_changes"};
    if (config_.changes.tables.empty()) continue;
    EXPECT_EQ(Replayed(table, *TableOf(changes)->metadata), history_.At(table, history_.end()));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, InterruptedTest, ::testing::Range(1, 8));

}  // namespace
}  // namespace sluice
