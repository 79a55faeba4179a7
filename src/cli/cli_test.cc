#include "cli/cli.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "audit/reader_limits.h"
#include "config/config_loader.h"
#include "pg_test_server.h"

namespace sluice::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Said {
  int code;
  std::string out, err;
};

/// The program with these words, in this process.
Said Sluice(std::vector<std::string> words) {
  words.insert(words.begin(), "sluice");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = Main(static_cast<int>(words.size()), argv.data());
  return {code, ::testing::internal::GetCapturedStdout(), ::testing::internal::GetCapturedStderr()};
}

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A fresh working folder, left and removed at the end.
class CliInFolder : public ::testing::Test {
 protected:
  CliInFolder() : before_(std::filesystem::current_path()), folder_(::testing::TempDir() + "/sluice_cli_" + std::to_string(getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    std::filesystem::current_path(folder_);
  }
  ~CliInFolder() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }
  const std::filesystem::path before_;
  const std::string folder_;
};

TEST(Cli, AMisspeltCommandIsAnsweredWithTheNearestOne) {
  const Said said = Sluice({"stauts"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("there is no command \"stauts\""));
  EXPECT_THAT(said.err, HasSubstr("did you mean: sluice status"));
  EXPECT_THAT(said.out, IsEmpty());
}

TEST(Cli, AMisspeltFlagIsAnsweredWithTheNearestOne) {
  const Said said = Sluice({"run", "--untill-caught-up"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("did you mean --until-caught-up?"));
  EXPECT_EQ(Sluice({"-o", "xml", "version"}).code, 2);
  EXPECT_EQ(Sluice({"init"}).code, 2);
  EXPECT_EQ(Sluice({"bookmark"}).code, 2);
  EXPECT_EQ(Sluice({"run", "--until-lsn", "0/1", "--until-caught-up"}).code, 2);
}

TEST(Cli, EveryVerbHelpsWithExamplesFirst) {
  for (const char* verb : {"init", "check", "run", "status", "tables", "bookmark", "lake", "verify", "teardown", "demo", "explain", "version", "debug", "help"}) {
    const Said said = Sluice({verb, "--help"});
    EXPECT_EQ(said.code, 0) << verb;
    EXPECT_THAT(said.out, HasSubstr("Examples:\n  ")) << verb;
    EXPECT_LT(said.out.find("Examples:"), said.out.find("Usage:")) << verb;
  }
}

TEST(Cli, ExplainsEveryWayToWriteACode) {
  for (const char* code : {"SLU-1104", "slu1104", "1104"}) EXPECT_THAT(Sluice({"explain", code}).out, HasSubstr("SLU-1104: unknown field")) << code;
  for (const char* code : {"SLU-9999", "nonsense", "99999999999"}) EXPECT_EQ(Sluice({"explain", code}).code, 5) << code;
  EXPECT_THAT(Sluice({"explain", "--all", "--markdown"}).out, HasSubstr("## SLU-1104\n"));
}

TEST(Cli, SaysItsVersionInBothForms) {
  EXPECT_THAT(Sluice({"version"}).out, HasSubstr("sluice 0."));
  const auto json = nlohmann::json::parse(Sluice({"version", "--json"}).out);
  EXPECT_EQ(json["schema"], "sluice.version/v1");
  EXPECT_FALSE(json["commit"].get<std::string>().empty());
}

TEST(Cli, HelpHasEveryFieldOfTheConfigurationAndFindsTopicsByTheirBeginning) {
  EXPECT_THAT(Sluice({"help", "fields"}).out, AllOf(HasSubstr("\nsources:\n  backend:"), HasSubstr("deleted_percent: 30"), Not(HasSubstr("```"))));
  EXPECT_THAT(Sluice({"help", "exit"}).err, HasSubstr("did you mean: sluice help exit-codes"));
}

TEST(Cli, ListsTheExitCodes) { EXPECT_THAT(Sluice({"help", "exit-codes"}).out, HasSubstr("77       no_permission")); }

TEST_F(CliInFolder, WithoutAConfigurationItSaysHowToGetOne) {
  const Said said = Sluice({"check"});
  EXPECT_EQ(said.code, 78);
  EXPECT_THAT(said.err, HasSubstr("error[SLU-1001]"));
  EXPECT_THAT(said.err, HasSubstr("sluice init"));
}

TEST_F(CliInFolder, ErrorsAreOneObjectUnderJson) {
  std::ofstream("sluice.yaml") << "version: 1\nprojct: x\n";
  const Said said = Sluice({"check", "--json", "-vv"});
  EXPECT_EQ(said.code, 78);
  EXPECT_THAT(said.out, IsEmpty());
  const auto json = nlohmann::json::parse(said.err);
  EXPECT_EQ(json["schema"], "sluice.error/v1");
  EXPECT_EQ(json["error"]["mistakes"].size(), 4u);
}

TEST_F(CliInFolder, InitMovesThePasswordOutAndWritesWhatTheLoaderReads) {
  const std::string source = testing::PgTestServer::Shared().NewDatabase();
  const std::string target = testing::PgTestServer::Shared().NewDatabase();
  const Said said = Sluice({"init", "--from", source + " password='hunter2 ${X}\\''", "--to", target, "--lake", "lake"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.err, HasSubstr("next: sluice check"));
  EXPECT_THAT(Read("sluice.yaml") + said.err, Not(HasSubstr("hunter2")));
  EXPECT_EQ(Read(".sluice/secrets/source_password"), "hunter2 ${X}'");
  struct stat facts {};
  ASSERT_EQ(stat(".sluice/secrets/source_password", &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  const auto loaded = LoadConfigFile("sluice.yaml", {});
  ASSERT_TRUE(loaded.ok() && loaded->config) << ToError(*loaded).evidence;
  EXPECT_THAT(loaded->config->source.dsn, HasSubstr("password='hunter2 ${X}\\''"));
  EXPECT_EQ(loaded->config->lake->warehouse, std::filesystem::current_path().string() + "/lake");
  EXPECT_TRUE(std::filesystem::is_empty("lake"));

  const Said again = Sluice({"init", "--from", source, "--lake", "lake"});
  EXPECT_EQ(again.code, 7);
  EXPECT_THAT(again.err, HasSubstr("sluice.yaml is there already"));
  EXPECT_EQ(Sluice({"init", "--force", "--from", source, "--lake", "lake"}).code, 0);
}

TEST_F(CliInFolder, InitWritesNothingWhereAServerIsWrong) {
  const std::string source = testing::PgTestServer::Shared().NewDatabase();
  EXPECT_EQ(Sluice({"init", "--from", "host=127.0.0.1 port=1", "--lake", "lake"}).code, 69);
  EXPECT_EQ(Sluice({"init", "--from", source, "--to", source}).code, 78);
  EXPECT_EQ(Sluice({"init", "--from", source}).code, 2);
  EXPECT_EQ(Sluice({"init", "--from", source, "--lake", "/proc/nowhere"}).code, 1);
  EXPECT_EQ(Sluice({"init", "--from", source, "--lake", "hdfs://host/x"}).code, 78);
  EXPECT_FALSE(std::filesystem::exists("sluice.yaml"));
}

TEST_F(CliInFolder, BookmarksOfSinksThatWereNeverWrittenToAreEmpty) {
  const std::string source = testing::PgTestServer::Shared().NewDatabase();
  const std::string target = testing::PgTestServer::Shared().NewDatabase();
  ASSERT_EQ(Sluice({"init", "--from", source, "--to", target, "--lake", "lake"}).code, 0);
  const auto json = nlohmann::json::parse(Sluice({"bookmark", "list", "--json"}).out);
  ASSERT_EQ(json["bookmarks"].size(), 2u);
  EXPECT_TRUE(json["bookmarks"][0]["lsn"].is_null());
  EXPECT_TRUE(std::filesystem::is_empty("lake")) << "reading a bookmark made something";
  EXPECT_EQ(Sluice({"bookmark", "show", "laek"}).code, 5);
  EXPECT_EQ(Sluice({"status"}).code, 5);
}

// libparquet of Arrow's wheel exports an OpenSSL of its own, with other structures than libssl's.
TEST(Openssl, IsTheSystemsAndNotLibparquets) {
  for (const char* const name : {"EVP_DigestInit_ex", "X509_STORE_new", "HMAC"}) {
    void* const found = dlsym(RTLD_DEFAULT, name);
    Dl_info place{};
    ASSERT_NE(found, nullptr) << name;
    ASSERT_NE(dladdr(found, &place), 0);
    EXPECT_THAT(place.dli_fname, HasSubstr("libcrypto")) << name;
  }
}

TEST(Readers, EveryOneThatTablesAreMadeForCanBeChecked) {
  for (const std::string& name : ReaderEngineNames()) EXPECT_TRUE(audit::ParseReader(name)) << name;
}

}  // namespace
}  // namespace sluice::cli
