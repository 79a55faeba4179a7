#include "server/control_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>

#include "server/control_client.h"
#include "server/control_commands.h"
#include "server/line_channel.h"
#include "server/state_lock.h"
#include "server/unix_socket.h"

namespace sluice {
namespace {

using nlohmann::ordered_json;
using std::chrono::milliseconds;

class ControlServerTest : public ::testing::Test {
 protected:
  ControlServerTest() {
    std::string name = ::testing::TempDir() + "sluice_control_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/sluice.sock";
  }
  ~ControlServerTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<ControlServer> Listen(ControlServer::Handler handler) {
    Result<std::unique_ptr<ControlServer>> server = ControlServer::Listen(path_, std::move(handler));
    EXPECT_TRUE(server.ok()) << (server.ok() ? "" : server.error().message);
    return std::move(server).value();
  }
  Result<ordered_json> AskHere(const ControlRequest& request) { return Ask(path_, request, milliseconds(5000)); }

  std::string folder_, path_;
};

Result<ordered_json> Echo(const ControlRequest& request, const ControlServer::Progress&, std::stop_token) {
  return ordered_json{{"command", request.command}, {"globs", request.globs}};
}

TEST_F(ControlServerTest, AnswersARequestWithItsGlobs) {
  const auto server = Listen(Echo);
  const auto reply = AskHere({"tables", {"public.*", "a\"b\nc"}});
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ((*reply)["command"], "tables");
  EXPECT_EQ((*reply)["globs"][1], "a\"b\nc");
}

TEST_F(ControlServerTest, OnlyTheOwnerMayConnect) {
  const auto server = Listen(Echo);
  struct stat found;
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(ControlServerTest, ErrorsComeThroughWhole) {
  const Error sent{ErrorKind::kConflict, "busy", 7005, "postgres: no", "because", {"wait", "try again"}};
  const auto server = Listen([&](const auto&, const auto&, std::stop_token) -> Result<ordered_json> { return sent; });
  const auto reply = AskHere({"verify", {}});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().kind, sent.kind);
  EXPECT_EQ(reply.error().code, sent.code);
  EXPECT_EQ(reply.error().message, sent.message);
  EXPECT_EQ(reply.error().evidence, sent.evidence);
  EXPECT_EQ(reply.error().why, sent.why);
  EXPECT_EQ(reply.error().fix, sent.fix);
}

TEST_F(ControlServerTest, ProgressComesBeforeTheReply) {
  const auto server = Listen([](const auto&, const ControlServer::Progress& progress, std::stop_token) -> Result<ordered_json> {
    for (int i = 0; i < 3; ++i) RETURN_IF_ERROR(progress({{"tables_done", i}}));
    return ordered_json{{"equal", true}};
  });
  std::vector<int> seen;
  const auto reply = Ask(path_, {"verify", {}}, milliseconds(5000),
                         [&](const ordered_json& progress) { seen.push_back(progress["tables_done"].get<int>()); });
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ((*reply)["equal"], true);
}

TEST_F(ControlServerTest, AStatusIsAnsweredWhileAVerifyGoesOn) {
  std::mutex mutex;
  std::condition_variable changed;
  bool verifying = false, finish = false;
  const auto server = Listen([&](const ControlRequest& request, const auto&, std::stop_token) -> Result<ordered_json> {
    if (request.command == "verify") {
      std::unique_lock lock(mutex);
      verifying = true;
      changed.notify_all();
      changed.wait(lock, [&] { return finish; });
    }
    return ordered_json{{"command", request.command}};
  });
  std::thread verify([&] { EXPECT_TRUE(AskHere({"verify", {}}).ok()); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return verifying; });
  }
  EXPECT_TRUE(AskHere({"status", {}}).ok());
  {
    const std::lock_guard lock(mutex);
    finish = true;
    changed.notify_all();
  }
  verify.join();
}

TEST_F(ControlServerTest, EndingItWakesHandlersAndSilentClients) {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool started = false;
  auto server = Listen([&](const auto&, const auto&, std::stop_token stop) -> Result<ordered_json> {
    std::unique_lock lock(mutex);
    started = true;
    changed.notify_all();
    changed.wait(lock, stop, [] { return false; });
    return Error{ErrorKind::kCancelled, "stopping"};
  });
  const auto silent = ConnectUnix(path_);
  ASSERT_TRUE(silent.ok());
  std::thread asking([&] { EXPECT_FALSE(AskHere({"verify", {}}).ok()); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return started; });
  }
  server.reset();
  asking.join();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ControlServerTest, HostileRequestsGetAnErrorAndHarmNobody) {
  const auto server = Listen(Echo);
  const std::string too_long(kRequestBytesMax + 100'000, 'x');
  for (const std::string& request : {std::string("not json\n"), std::string("[]\n"), std::string("{\"command\":1}\n"),
                                     std::string("{\"command\":\"x\",\"globs\":[1]}\n"), std::string("\xff\xfe\n"),
                                     std::string(10'000, '[') + "\n",
                                     "{\"command\":\"x\",\"deep\":" + std::string(20'000, '[') + std::string(20'000, ']') + "}\n", too_long}) {
    SCOPED_TRACE(request.substr(0, 20));
    auto socket = ConnectUnix(path_);
    ASSERT_TRUE(socket.ok());
    LineChannel channel(std::move(*socket), kReplyBytesMax);
    static_cast<void>(channel.Write(request));  // It may be cut off in the middle.
    const auto reply = channel.ReadLine(milliseconds(5000));
    EXPECT_TRUE(reply.ok() || request == too_long);
    if (reply.ok()) {
      EXPECT_NE(reply->find("\"error\""), std::string::npos) << *reply;
    }
  }
  EXPECT_TRUE(AskHere({"status", {}}).ok());
}

TEST_F(ControlServerTest, MoreClientsThanPlacesAreTurnedAwayWithAWord) {
  const auto server = Listen(Echo);
  std::vector<FileDescriptor> silent;
  for (size_t i = 0; i < kControlClientsMax; ++i) {
    auto socket = ConnectUnix(path_);
    ASSERT_TRUE(socket.ok());
    silent.push_back(std::move(*socket));
  }
  const auto refused = AskHere({"status", {}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  silent.clear();
  // Their threads notice at their own pace; a place becomes free at the latest with a later client.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!AskHere({"status", {}}).ok()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(ControlServerTest, ASocketLeftByADeadProcessIsReplacedALivingOneIsNot) {
  {
    const FileDescriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path_.size(), sizeof address.sun_path);
    path_.copy(address.sun_path, path_.size());
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  const auto server = Listen(Echo);
  EXPECT_TRUE(AskHere({"status", {}}).ok());
  const auto second = ControlServer::Listen(path_, Echo);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, 8201);
}

TEST_F(ControlServerTest, AnotherFileInTheWayIsNotRemoved) {
  std::ofstream(path_) << "mine";
  EXPECT_FALSE(ControlServer::Listen(path_, Echo).ok());
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ControlServerTest, WorksInAFolderWhosePathIsLongerThanASocketAddress) {
  const std::string deep = folder_ + "/" + std::string(200, 'd');
  std::filesystem::create_directory(deep);
  path_ = deep + "/sluice.sock";
  const auto server = Listen(Echo);
  EXPECT_TRUE(AskHere({"status", {}}).ok());
}

TEST_F(ControlServerTest, WithoutAServerTheClientSaysSo) {
  const auto reply = AskHere({"status", {}});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, 9101);
}

TEST_F(ControlServerTest, TheCommandsGiveTheirDocuments) {
  SystemClock clock;
  StatusBoard board("shop", "backend", {1000, 0}, clock);
  bool stopped = false;
  const auto server = Listen(Answer({&board,
                                     [](const VerifyOptions& options, const VerifyObserver& observe, std::stop_token) -> Result<VerifyReport> {
                                       observe({"public.shot", 0, 1});
                                       TableComparison table;
                                       table.table = "public.shot";
                                       table.sink = options.globs.at(0);
                                       table.result = Comparison::kDifferent;
                                       table.rows_source = 3;
                                       table.rows_sink = 2;
                                       return VerifyReport{Lsn{0x100}, {table}};
                                     },
                                     [](const VerifyOptions&, bool dry_run, const VerifyObserver&, std::stop_token) -> Result<RepairReport> {
                                       return RepairReport{Lsn{0x100}, dry_run, {}};
                                     },
                                     [&] { stopped = true; }}));
  const auto status = AskHere({"status", {}});
  ASSERT_TRUE(status.ok());
  EXPECT_EQ((*status)["schema"], "sluice.status/v1");
  EXPECT_EQ((*status)["project"], "shop");
  EXPECT_TRUE((*status)["sinks"].is_array());
  EXPECT_EQ((*AskHere({"tables", {}}))["schema"], "sluice.tables/v1");
  EXPECT_EQ((*AskHere({"bookmarks", {}}))["schema"], "sluice.bookmarks/v1");
  const auto verify = AskHere({"verify", {"lake"}});
  ASSERT_TRUE(verify.ok());
  EXPECT_EQ((*verify)["equal"], false);
  EXPECT_EQ((*verify)["tables"][0]["sink"], "lake");
  EXPECT_EQ((*verify)["tables"][0]["rows_sink"], 2);
  const auto repair = AskHere({"repair", {"public.shot"}, "", {{"dry_run", true}}});
  ASSERT_TRUE(repair.ok());
  EXPECT_EQ((*repair)["schema"], "sluice.verify.repair/v1");
  EXPECT_EQ((*repair)["dry_run"], true);
  EXPECT_FALSE(AskHere({"dance", {}}).ok());
  ASSERT_TRUE(AskHere({"stop", {}}).ok());
  EXPECT_TRUE(stopped);
}

TEST_F(ControlServerTest, TheStateLockIsHeldByOneProcessAndFreedWithIt) {
  const std::string state = folder_ + "/.sluice";
  {
    const auto first = StateLock::Acquire(state);
    ASSERT_TRUE(first.ok());
    const auto second = StateLock::Acquire(state);  // flock: another open file is another holder.
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, 8201);
    EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
    EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(StateLock::Acquire(state).ok());
}

}  // namespace
}  // namespace sluice
