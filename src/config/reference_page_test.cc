// docs/reference/configuration.md promises every field: its example is read, and what the reader allows must be in it.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/config_loader.h"
#include "config/yaml_document.h"
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
    for (size_t begin = page_.find(fence); begin != std::string::npos; begin = page_.find(fence, begin + 1))
      blocks_.push_back(page_.substr(begin + fence.size(), page_.find("```", begin + fence.size()) - begin - fence.size()));
    ASSERT_EQ(blocks_.size(), 4u);
    example_ = blocks_.front();
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

  /// A block that shows a sink alone, as a configuration.
  static std::string Whole(const std::string& block) {
    return block.starts_with("sinks:") ? "sources: { db: { type: postgres, dsn: \"postgresql://me@db/d\" } }\npipelines: { main: { from: db, to: [lake] } }\n" + block : block;
  }

  static std::string WithUnknownFields(std::string yaml) {
    yaml = std::regex_replace(yaml, std::regex(R"(\{ )"), "{ zzz: 1, ");
    yaml = std::regex_replace(yaml, std::regex(R"((^|\n)( *)([\w.-]+):( *#[^\n]*)?\n( +))"), "$1$2$3:$4\n$5zzz: 1\n$5");
    return std::regex_replace(yaml, std::regex(R"(zzz: 1\n( +)- )"), "\n$1- ");
  }

  static void CollectKeys(const YamlNode& node, const std::string& path, std::map<std::string, std::set<std::string>>& keys) {
    for (const YamlNode& item : node.items) CollectKeys(item, path, keys);
    for (const YamlEntry& entry : node.entries) {
      keys[path].insert(entry.key);
      CollectKeys(entry.value, path.empty() ? entry.key : path + "." + entry.key, keys);
    }
  }

  static void CollectAllowed(const ConfigMistake& mistake, std::map<std::string, std::set<std::string>>& allowed) {
    const std::string lead = "Allowed here: ", in = "\" in ";
    const size_t at = mistake.fix.find(lead), path = mistake.message.find(in);
    if (mistake.code != slu::kUnknownField || at == std::string::npos) return;
    std::set<std::string>& names = allowed[path == std::string::npos ? "" : std::regex_replace(mistake.message.substr(path + in.size()), std::regex(R"(\[\d+\])"), "")];
    std::stringstream listed(mistake.fix.substr(at + lead.size()));
    for (std::string name; listed >> name;) names.insert(name.substr(0, name.find(',')));
  }

  std::string page_, example_, folder_;
  std::vector<std::string> blocks_;
};

TEST_F(ReferencePage, ItsExamplesAreConfigurations) {
  for (const std::string& block : blocks_) {
    const LoadedConfig one = Read(Whole(block));
    EXPECT_TRUE(one.config.has_value()) << ToError(one).evidence;
  }
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

// What a mapping may have is asked for by a field that none has.
TEST_F(ReferencePage, HasEveryFieldThatIsAllowed) {
  std::map<std::string, std::set<std::string>> shown, allowed;
  for (const std::string& block : blocks_) {
    ConfigMistakes mistakes;
    const auto tree = ParseYaml(block, 0, mistakes);
    ASSERT_TRUE(tree && mistakes.empty()) << block;
    CollectKeys(*tree, "", shown);
    for (const ConfigMistake& mistake : Read("zzz: 1\n" + Whole(WithUnknownFields(block))).mistakes) CollectAllowed(mistake, allowed);
  }
  EXPECT_GT(allowed.size(), 25u);
  for (const auto& [path, names] : allowed) {
    for (const std::string& name : names) {
      // What a condition or a mask may be besides is in mapping.md.
      if (path.find(".map.") != std::string::npos) continue;
      const bool as_comment = std::any_of(blocks_.begin(), blocks_.end(), [&](const std::string& block) { return block.find("# " + name + ": ") != std::string::npos; });
      const bool of_a_connection = path.ends_with(".replica") || path.ends_with(".backend") || path.ends_with(".catalog");
      const bool as_elsewhere = of_a_connection && (shown["sources.backend"].contains(name) || shown["sinks.replica"].contains(name));
      EXPECT_TRUE(shown[path].contains(name) || as_comment || as_elsewhere) << path << "." << name;
    }
  }
}

}  // namespace
}  // namespace sluice
