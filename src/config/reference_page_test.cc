// docs/reference/configuration.md promises every field: its example is read, and what the reader allows must be in it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "config/config_loader.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

class ReferencePage : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(SLUICE_SOURCE_FOLDER "/docs/reference/configuration.md");
    std::stringstream text;
    text << file.rdbuf();
    page_ = text.str();
    const std::string fence = "```yaml\n";
    const size_t begin = page_.find(fence);
    ASSERT_NE(begin, std::string::npos);
    example_ = page_.substr(begin + fence.size(), page_.find("```", begin + fence.size()) - begin - fence.size());
    std::string folder = (std::filesystem::temp_directory_path() / "sluice-page-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::filesystem::create_directories(folder_ + "/.sluice/secrets");
    const std::regex secret(R"(\$\{secret:file:([\w-]+)\})");
    for (auto name = std::sregex_iterator(page_.begin(), page_.end(), secret); name != std::sregex_iterator(); ++name) {
      const std::string path = folder_ + "/.sluice/secrets/" + (*name)[1].str();
      std::ofstream(path) << "0123456789abcdef";
      std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  LoadedConfig Read(const std::string& yaml) {
    return ReadConfig({"sluice.yaml", yaml}, {}, folder_, [](const std::string&) { return "hush"; });
  }

  std::string page_, example_, folder_;
};

TEST_F(ReferencePage, ItsExampleIsAConfiguration) {
  const LoadedConfig loaded = Read(example_);
  ASSERT_TRUE(loaded.config.has_value()) << ToError(loaded).evidence;
  EXPECT_TRUE(loaded.config->lake && loaded.config->replica && loaded.config->serve_catalog);
}

// What it says of defaults: what stands in the example without being one is listed here.
TEST_F(ReferencePage, ItsValuesAreTheDefaultsWhereItSaysNothingElse) {
  const LoadedConfig loaded = Read(example_);
  ASSERT_TRUE(loaded.config.has_value()) << ToError(loaded).evidence;
  const Config& config = *loaded.config;
  const Config defaults;
  const LakeConfig lake;
  EXPECT_EQ(config.source.heartbeat_interval, defaults.source.heartbeat_interval);
  EXPECT_EQ(config.source.copy.parallel, defaults.source.copy.parallel);
  EXPECT_EQ(config.source.copy.range_bytes_target, defaults.source.copy.range_bytes_target);
  EXPECT_EQ(config.source.copy.standby_lag_max, defaults.source.copy.standby_lag_max);
  EXPECT_EQ(config.source.slot_budget_warn_bytes, defaults.source.slot_budget_warn_bytes);
  EXPECT_EQ(config.source.spill_after_bytes, defaults.source.spill_after_bytes);
  EXPECT_EQ(config.replica->commit_interval, ReplicaConfig().commit_interval);
  EXPECT_EQ(config.replica->commit_bytes_max, ReplicaConfig().commit_bytes_max);
  EXPECT_EQ(config.lake->commit_interval, lake.commit_interval);
  EXPECT_EQ(config.lake->commit_bytes_max, lake.commit_bytes_max);
  EXPECT_EQ(config.lake->format_version, lake.format_version);
  EXPECT_EQ(config.lake->file_bytes_target, lake.file_bytes_target);
  EXPECT_EQ(config.lake->compression, lake.compression);
  EXPECT_EQ(config.lake->compression_level, lake.compression_level);
  EXPECT_EQ(config.lake->snapshots_kept, lake.snapshots_kept);
  EXPECT_EQ(config.lake->tags.hourly, lake.tags.hourly);
  EXPECT_EQ(config.lake->tags.daily, lake.tags.daily);
  EXPECT_EQ(config.lake->manifests_merged_at, lake.manifests_merged_at);
  EXPECT_EQ(config.lake->maintenance.enabled, lake.maintenance.enabled);
  EXPECT_EQ(config.lake->maintenance.bytes_per_second_max, lake.maintenance.bytes_per_second_max);
  EXPECT_EQ(config.lake->maintenance.files_merged_at, lake.maintenance.files_merged_at);
  EXPECT_EQ(config.lake->maintenance.deleted_percent_max, lake.maintenance.deleted_percent_max);
  EXPECT_EQ(config.lake->maintenance.look_every, lake.maintenance.look_every);
  EXPECT_EQ(config.lake->maintenance.quiet_after, lake.maintenance.quiet_after);
  EXPECT_EQ(config.lake->maintenance.refresh_bytes_per_second, lake.maintenance.refresh_bytes_per_second);
  EXPECT_EQ(config.lake->maintenance.refresh_every, lake.maintenance.refresh_every);
  EXPECT_EQ(config.lake->maintenance.orphans_after, lake.maintenance.orphans_after);
  EXPECT_EQ(config.lake->index_memory_bytes_max, lake.index_memory_bytes_max);
  EXPECT_EQ(config.pipeline.table_watch_interval, defaults.pipeline.table_watch_interval);
  EXPECT_EQ(config.pipeline.queue_bytes_max, defaults.pipeline.queue_bytes_max);
  EXPECT_EQ(config.pipeline.verify.every, defaults.pipeline.verify.every);
  EXPECT_EQ(config.pipeline.verify.bytes_per_second_max, defaults.pipeline.verify.bytes_per_second_max);
  EXPECT_EQ(config.serve_catalog->address, CatalogServeConfig().address);
  EXPECT_EQ(config.serve_catalog->port, CatalogServeConfig().port);
}

// An unknown field in every mapping has the reader say what would be allowed there.
TEST_F(ReferencePage, HasEveryFieldThatIsAllowed) {
  std::string mistaken = std::regex_replace(example_, std::regex(R"(\{ )"), "{ zzz: 1, ");
  mistaken = std::regex_replace(mistaken, std::regex(R"((^|\n)( *)([\w.-]+):( *#[^\n]*)?\n( +))"), "$1$2$3:$4\n$5zzz: 1\n$5");
  mistaken = std::regex_replace(mistaken, std::regex(R"(zzz: 1\n( +)- )"), "\n$1- ");
  std::set<std::string> allowed;
  for (const ConfigMistake& mistake : Read("zzz: 1\n" + mistaken).mistakes) {
    const std::string lead = "Allowed here: ";
    const size_t at = mistake.fix.find(lead);
    if (mistake.code != slu::kUnknownField || at == std::string::npos) continue;
    std::stringstream names(mistake.fix.substr(at + lead.size()));
    for (std::string name; names >> name;) allowed.insert(name.substr(0, name.find(',')));
  }
  EXPECT_GT(allowed.size(), 90u);
  for (const std::string& name : allowed) {
    // The comparisons and masks of a mapping have a page of their own.
    static const std::set<std::string> kOfMappings{"eq", "ne", "lt", "le", "gt", "ge", "is_null", "hash", "truncate", "keep_first"};
    if (kOfMappings.contains(name)) continue;
    EXPECT_TRUE(std::regex_search(page_, std::regex("(^|[ {\n])" + name + ":"))) << name;
  }
}

}  // namespace
}  // namespace sluice
