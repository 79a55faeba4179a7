// The fake walsender says what a real one says: the same scripts run on both, and their messages are compared.

#include "wal_sender.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "pg_test_server.h"
#include "recorded_messages.h"
#include "source/postgres/replication_connection.h"

namespace sluice::simulator {
namespace {

using testing::PgTestServer;

/// Those that tools/setup has installed, and Debian's.
std::vector<std::pair<int, std::string>> InstalledServers() {
  std::vector<std::pair<int, std::string>> servers;
  const char* const deps = std::getenv("SLUICE_DEPS");
  for (const int major : {14, 15, 16, 17, 18})
    for (const std::string& folder : {fmt::format("/usr/lib/postgresql/{}/bin", major), fmt::format("/var/cache/sluice/pg/{}/bin", major),
                                      fmt::format("{}/pg/{}/bin", deps != nullptr ? deps : ".", major)})
      if (std::filesystem::exists(folder + "/postgres")) {
        servers.emplace_back(major, folder);
        break;
      }
  return servers;
}

/// A real database and a fake one, to which the same is done.
class Both {
 public:
  Both(PgTestServer& server, bool binary) : dsn_(server.NewDatabase()), binary_(binary) {
    for (auto& session : sessions_) session = std::make_unique<PgConnection>(PgConnection::Connect(dsn_).value());
    for (const int session : {0, 1}) Sql(session, "SET search_path = public");
  }

  void Table(const std::string& name, ReplicaIdentity identity, bool with_toast) {
    Sql(0, fmt::format("CREATE TABLE {} (id bigint PRIMARY KEY, c2 text{})", name, with_toast ? ", c3 text" : ""));
    if (with_toast) Sql(0, fmt::format("ALTER TABLE {} ALTER c3 SET STORAGE EXTERNAL", name));
    if (identity == ReplicaIdentity::kFull) Sql(0, fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", name));
    const uint32_t xid = fake_.Begin();
    tables_[name] = fake_.CreateTable(xid, name, identity, with_toast);
    fake_.Commit(xid, {});
  }
  void Publish(const std::set<TableName>& names) {
    std::string list;
    for (const TableName& name : names) list += (list.empty() ? "" : ", ") + name.name;
    Sql(0, "CREATE PUBLICATION p FOR TABLE " + list);
    static int slots = 0;
    slot_ = fmt::format("slot{}", ++slots);
    Sql(0, fmt::format("SELECT pg_create_logical_replication_slot('{}', 'pgoutput')", slot_));
    stream_ = std::make_unique<ReplicationConnection>(ReplicationConnection::Connect(dsn_, "test").value());
    ASSERT_TRUE(stream_->Start({slot_, {"p"}, Lsn{}, binary_}).ok());
    fake_.Publish(names);
    start_ = fake_.end();
  }

  void Begin(int session) {
    Sql(session, "BEGIN");
    xids_[session] = fake_.Begin();
  }
  void Commit(int session) {
    Sql(session, "COMMIT");
    fake_.Commit(xids_[session], Timestamp(std::chrono::seconds(1'000'000'000)));
  }
  void Rollback(int session) {
    Sql(session, "ROLLBACK");
    fake_.Abort(xids_[session]);
  }
  void Savepoint(int session) {
    Sql(session, "SAVEPOINT s");
    fake_.Savepoint(xids_[session]);
  }
  void RollbackToSavepoint(int session) {
    Sql(session, "ROLLBACK TO SAVEPOINT s");
    Sql(session, "RELEASE SAVEPOINT s");
    fake_.RollbackToSavepoint(xids_[session]);
  }
  void Insert(int session, const std::string& table, int64_t key, const Row& row) {
    std::string columns = "id", values = std::to_string(key);
    for (const auto& [attribute, value] : row) {
      columns += fmt::format(", c{}", attribute);
      values += fmt::format(", '{}'", value);
    }
    Sql(session, fmt::format("INSERT INTO {} ({}) VALUES ({})", table, columns, values));
    EXPECT_TRUE(fake_.Insert(xids_[session], tables_.at(table), key, row));
  }
  void Update(int session, const std::string& table, int64_t key, int64_t new_key, const std::map<int16_t, std::optional<std::string>>& changed) {
    std::string set = fmt::format("id = {}", new_key);
    for (const auto& [attribute, value] : changed) set += fmt::format(", c{} = {}", attribute, value ? "'" + *value + "'" : "NULL");
    Sql(session, fmt::format("UPDATE {} SET {} WHERE id = {}", table, set, key));
    EXPECT_TRUE(fake_.Update(xids_[session], tables_.at(table), key, new_key, changed));
  }
  void Delete(int session, const std::string& table, int64_t key) {
    Sql(session, fmt::format("DELETE FROM {} WHERE id = {}", table, key));
    EXPECT_TRUE(fake_.Delete(xids_[session], tables_.at(table), key));
  }
  void Truncate(int session, const std::vector<std::string>& tables) {
    std::vector<Oid> oids;
    for (const std::string& table : tables) oids.push_back(tables_.at(table));
    Sql(session, fmt::format("TRUNCATE {}", fmt::join(tables, ", ")));
    EXPECT_TRUE(fake_.Truncate(xids_[session], oids));
  }
  void Rewrite(int session, const std::string& table) {
    Sql(session, fmt::format("CLUSTER {0} USING {0}_pkey", table));
    EXPECT_TRUE(fake_.Rewrite(xids_[session], tables_.at(table)));
  }
  void AddColumn(int session, const std::string& table, int attribute) {
    Sql(session, fmt::format("ALTER TABLE {} ADD c{} text", table, attribute));
    EXPECT_TRUE(fake_.AddColumn(xids_[session], tables_.at(table), false));
  }
  void DropColumn(int session, const std::string& table, int attribute) {
    Sql(session, fmt::format("ALTER TABLE {} DROP c{}", table, attribute));
    EXPECT_TRUE(fake_.DropColumn(xids_[session], tables_.at(table), static_cast<int16_t>(attribute)));
  }
  void Message(int session, bool transactional, const std::string& prefix) {
    Sql(session, fmt::format("SELECT pg_logical_emit_message({}, '{}', 'text')", transactional, prefix));
    fake_.Message(transactional ? xids_[session] : 0, transactional, prefix, "text");
  }

  /// Takes what the real server sends up to now. A streamed transaction must be read before it aborts: the server
  /// leaves out what it knows to be undone.
  void Drain() {
    Sql(1, "CHECKPOINT");  // Only what is on disk is sent.
    const Lsn until = ParseLsn(sessions_[1]->QueryValue("SELECT pg_current_wal_flush_lsn()").value()).value();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (Lsn reached; reached < until;) {
      const auto received = stream_->Receive();
      if (!received.ok() || std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "the stream did not come to its end";
        return;
      }
      if (!*received) stream_->Wait(std::chrono::milliseconds(50), -1);
      if (!*received) continue;
      if (AsText(**received)[0] == 'w') messages_.emplace_back(AsText((*received)->subspan(25)));
      else if (const auto keepalive = ParseKeepalive(**received); keepalive.ok()) reached = keepalive->wal_end;
    }
  }

  std::vector<std::string> OfReal() {
    Drain();
    return Describe(messages_);
  }

  std::vector<std::string> OfFake(int major) {
    WalSender sender(fake_, {start_, major, binary_, /*changes_in_memory=*/20});
    std::deque<std::string> out;
    while (sender.Step(out)) continue;
    std::vector<std::string> messages;
    for (const std::string& copy_data : out) messages.push_back(copy_data.substr(25));
    return Describe(messages);
  }

 private:
  void Sql(int session, const std::string& sql) {
    const auto done = sessions_[session]->Execute(sql);
    ASSERT_TRUE(done.ok()) << sql.substr(0, 200) << " " << done.error().evidence;
  }

  const std::string dsn_;
  const bool binary_;
  std::unique_ptr<PgConnection> sessions_[2];
  std::unique_ptr<ReplicationConnection> stream_;
  std::vector<std::string> messages_;
  FakeDatabase fake_;
  std::map<std::string, Oid> tables_;
  uint32_t xids_[2] = {};
  Lsn start_;
  std::string slot_;
};

std::string Toasted(char letter) { return std::string(3000, letter); }

void MakeTables(Both& both) {
  both.Table("shot", ReplicaIdentity::kDefault, true);
  both.Table("player", ReplicaIdentity::kFull, true);
  both.Table("hidden", ReplicaIdentity::kDefault, false);
  both.Publish({{"public", "shot"}, {"public", "player"}});
}

void ChangeRows(Both& both) {
  both.Begin(0);
  for (int key = 1; key <= 3; ++key) {
    both.Insert(0, "shot", key, {{2, "a"}, {3, Toasted('x')}});
    both.Insert(0, "player", key, {{3, Toasted('y')}});
  }
  both.Commit(0);
  both.Begin(0);
  both.Update(0, "shot", 1, 1, {{2, "b"}});
  both.Update(0, "shot", 1, 1, {{3, Toasted('z')}});
  both.Update(0, "shot", 1, 10, {{2, std::nullopt}});
  both.Update(0, "player", 1, 1, {{2, "b"}});
  both.Update(0, "player", 2, 20, {});
  both.Delete(0, "shot", 2);
  both.Delete(0, "player", 3);
  both.Commit(0);
  both.Begin(0);  // Keys go round.
  both.Update(0, "shot", 10, 99, {});
  both.Update(0, "shot", 3, 10, {});
  both.Update(0, "shot", 99, 3, {});
  both.Commit(0);
}

void Interleave(Both& both) {
  both.Begin(0);
  both.Begin(1);
  both.Insert(0, "shot", 50, {{2, "first to begin"}});
  both.Insert(1, "shot", 51, {{2, "first to end"}});
  both.Message(0, true, "other");
  both.Message(1, false, "other");
  both.Commit(1);
  both.Savepoint(0);
  both.Insert(0, "shot", 52, {{2, "undone"}});
  both.RollbackToSavepoint(0);
  both.Insert(0, "player", 52, {{2, "kept"}});
  both.Commit(0);
  both.Begin(1);
  both.Insert(1, "shot", 53, {{2, "never"}});
  both.Rollback(1);
}

void TruncateAndHide(Both& both) {
  both.Begin(0);
  both.Insert(0, "hidden", 1, {{2, "unpublished"}});
  both.Commit(0);
  both.Begin(0);
  both.Truncate(0, {"shot", "hidden", "player"});
  both.Insert(0, "shot", 1, {{2, "after"}});
  both.Commit(0);
  both.Begin(0);
  both.Truncate(0, {"hidden"});
  both.Commit(0);
}

void ChangeColumns(Both& both) {
  both.Begin(0);
  both.Insert(0, "shot", 60, {{2, "before"}});
  both.Commit(0);
  both.Begin(0);
  both.AddColumn(0, "shot", 4);
  both.Insert(0, "shot", 61, {{4, "new column"}});
  both.Commit(0);
  both.Begin(0);
  both.Update(0, "shot", 60, 60, {{4, "later"}});
  both.Commit(0);
  both.Begin(0);
  both.DropColumn(0, "shot", 2);
  both.Commit(0);
  both.Begin(0);
  both.Delete(0, "shot", 61);
  both.Insert(0, "shot", 62, {{4, "x"}});
  both.Commit(0);
}

void StreamLarge(Both& both) {
  const auto many = [&](int session, int64_t first) {
    for (int64_t key = first; key < first + 100; ++key) both.Insert(session, "shot", key, {{2, std::string(1500, 'l')}});
  };
  both.Begin(0);
  both.Savepoint(0);
  many(0, 1000);
  both.Drain();
  both.RollbackToSavepoint(0);
  both.Savepoint(0);
  many(0, 2000);
  both.Begin(1);
  both.Insert(1, "player", 1000, {{2, "between the blocks"}});
  both.Commit(1);
  many(0, 3000);
  both.Truncate(0, {"player"});
  both.Message(0, true, "other");
  both.Commit(0);
  both.Begin(0);
  many(0, 4000);
  both.Drain();
  both.Rollback(0);
  both.Begin(0);
  both.Insert(0, "shot", 5000, {{2, "described before"}});
  both.Commit(0);
}

void UndoColumns(Both& both) {
  both.Begin(0);
  both.Insert(0, "shot", 70, {{2, "before"}});
  both.Savepoint(0);
  both.AddColumn(0, "shot", 4);
  both.Insert(0, "shot", 71, {{4, "undone"}});
  both.RollbackToSavepoint(0);
  both.Insert(0, "shot", 72, {{2, "between"}});
  both.Savepoint(0);
  both.AddColumn(0, "shot", 4);
  both.Insert(0, "shot", 73, {{4, "kept"}});
  both.Commit(0);
  both.Begin(0);
  both.Insert(0, "shot", 74, {{4, "after"}});
  both.Savepoint(0);
  both.DropColumn(0, "shot", 2);
  both.RollbackToSavepoint(0);
  both.Insert(0, "shot", 75, {{2, "still there"}});
  both.Commit(0);
  both.Begin(0);
  both.Insert(0, "shot", 76, {{2, "next"}});
  both.Commit(0);
  both.Begin(0);
  both.Savepoint(0);
  both.DropColumn(0, "shot", 2);
  both.RollbackToSavepoint(0);
  both.Commit(0);
  both.Begin(0);
  both.Savepoint(0);
  both.Truncate(0, {"shot"});
  both.RollbackToSavepoint(0);
  both.Insert(0, "shot", 77, {{2, "all the others are there"}});
  both.Savepoint(0);
  both.Truncate(0, {"shot", "player"});
  both.Insert(0, "shot", 78, {{2, "alone"}});
  both.Commit(0);
  both.Begin(0);
  both.Insert(0, "shot", 79, {});
  both.Rewrite(0, "shot");
  both.Insert(0, "shot", 80, {});
  both.Savepoint(0);
  both.Rewrite(0, "player");
  both.RollbackToSavepoint(0);
  both.Commit(0);
  both.Begin(0);
  both.Insert(0, "player", 80, {});
  both.Insert(0, "shot", 81, {});
  both.Commit(0);
}

void UndoColumnsOfLarge(Both& both) {
  const auto many = [&](int64_t first, int16_t column) {
    for (int64_t key = first; key < first + 100; ++key) both.Insert(0, "shot", key, {{column, std::string(1500, 'l')}});
  };
  both.Begin(0);
  many(1000, 2);
  both.Savepoint(0);
  both.AddColumn(0, "shot", 4);
  many(2000, 4);
  both.Drain();
  both.RollbackToSavepoint(0);
  many(3000, 2);
  both.Savepoint(0);
  both.AddColumn(0, "shot", 4);
  many(4000, 4);
  both.Savepoint(0);
  both.DropColumn(0, "shot", 2);
  many(5000, 4);
  both.Drain();
  both.RollbackToSavepoint(0);
  many(6000, 2);
  both.Commit(0);
  both.Begin(0);
  both.Insert(0, "shot", 7000, {{4, "kept"}});
  both.Commit(0);
  both.Begin(0);
  both.DropColumn(0, "shot", 4);
  many(8000, 2);
  both.Drain();
  both.Rollback(0);
  both.Begin(0);
  both.Insert(0, "shot", 9000, {{4, "still there"}});
  both.Commit(0);
}

/// Where they part, with a few lines around it; empty: nowhere.
std::string FirstDifference(const std::vector<std::string>& real, const std::vector<std::string>& fake) {
  size_t at = 0;
  while (at < real.size() && at < fake.size() && real[at] == fake[at]) ++at;
  if (at == real.size() && at == fake.size()) return "";
  std::string text;
  for (const auto& [name, lines] : {std::pair("real", &real), std::pair("fake", &fake)})
    for (size_t i = at < 3 ? 0 : at - 3; i < std::min(at + 6, lines->size()); ++i) text += fmt::format("\n{} {}: {}", name, i, (*lines)[i]);
  return text;
}

TEST(WalSender, SaysWhatRealServersSay) {
  const auto servers = InstalledServers();
  ASSERT_FALSE(servers.empty());
  for (const auto& [major, folder] : servers) {
    PgTestServer server({.bin_folder = folder, .extra_settings = "logical_decoding_work_mem=64kB\nautovacuum=off"});
    for (const auto& script : {ChangeRows, Interleave, TruncateAndHide, ChangeColumns, StreamLarge, UndoColumns, UndoColumnsOfLarge}) {
      for (const bool binary : {true, false}) {
        Both both(server, binary);
        MakeTables(both);
        script(both);
        const std::vector<std::string> real = both.OfReal(), fake = both.OfFake(major);
        EXPECT_GT(real.size(), 3u);
        EXPECT_EQ(FirstDifference(real, fake), "") << "PostgreSQL " << major;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::simulator
