#include "config/config_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kWhole = R"YAML(version: 1
project: trackman
vars:
  folder: ${LAKE_FOLDER:-/srv/lake}
secrets:
  run: { type: file, dir: /run/secrets }
sources:
  backend:
    type: postgres
    host: ${DB_HOST}
    port: 5433
    database: it's
    user: reader
    password: ${DB_PASSWORD}
    tls: { mode: verify-full, ca: /etc/ca.pem }
    slot: { name: my_slot }
    publication: { name: My Publication }
    heartbeat: { every: 5s }
    snapshot: { parallel_tables: 3, range_size: 32MiB, max_rate: 50MiB, standby_lag: 5s }
    slot_budget: { warn: 5GiB, give_up: 50GiB }
sinks:
  replica:
    type: postgres
    dsn: postgresql://writer:${TARGET_PASSWORD}@target:5432/warehouse
    commit: { interval: 1s, max_bytes: 16MiB }
  lake:
    type: iceberg
    warehouse: ${var.folder}/warehouse
    catalog: { type: sqlite, path: lake.db, name: main }
    commit: { interval: 10s, max_bytes: 64MiB }
    partition: ["day(_ingested_at)", "bucket(16, facility_id)"]
    sort: [facility_id, hit_at desc]
    files: { target_size: 256MiB, compression: snappy, level: 3 }
    snapshots: { keep: 50 }
    tags: {hourly: 48, daily: 0}
    changes: {tables: ["app.*", public.player], partition: [day(_ingested_at)], keep: 30d}
    manifests: { merge_at: 10 }
    index: { max_memory: 64MiB }
pipelines:
  trackman:
    from: backend
    to: [replica, lake]
    tables:
      include: ["public.*"]
      exclude: ["public.tmp_*"]
    queue: { max_bytes: 8MiB }
    verify: { every: 6h, max_rate: 4MiB }
    table_options:
      public.shot:
        lake: { partition: ["day(hit_at)"], sort: [] }
observe:
  logs: { level: debug, format: json }
x-note: anything
)YAML";

std::optional<std::string> Lookup(const std::string& name) {
  static const std::map<std::string, std::string> kValues = {
      {"DB_HOST", "db"}, {"DB_PASSWORD", "p'w"}, {"TARGET_PASSWORD", "t0p"}, {"EVIL", "a\nsinks: {}\n# }"}, {"EMPTY", ""}};
  const auto found = kValues.find(name);
  if (found == kValues.end()) return std::nullopt;
  return found->second;
}

LoadedConfig Read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return ReadConfig({"sluice.yaml", text}, overrides, "/project", Lookup);
}

std::string Rendered(const LoadedConfig& loaded) { return loaded.mistakes.empty() ? "" : ToError(loaded).evidence; }

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ConfigLoader, ReadsEveryField) {
  const LoadedConfig loaded = Read(kWhole);
  ASSERT_TRUE(loaded.config.has_value()) << Rendered(loaded);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.project, "trackman");
  EXPECT_EQ(config.state_folder, "/project/.sluice");
  EXPECT_EQ(config.lake->index_folder, "/project/.sluice/index");
  EXPECT_EQ(config.lake->index_memory_bytes_max, 64u << 20);
  EXPECT_EQ(config.source.name, "backend");
  EXPECT_EQ(config.source.dsn, R"(host='db' port='5433' dbname='it\'s' user='reader' password='p\'w' sslmode='verify-full' sslrootcert='/etc/ca.pem')");
  EXPECT_EQ(config.source.slot, "my_slot");
  EXPECT_EQ(config.source.publication, "My Publication");
  EXPECT_EQ(config.source.heartbeat_interval, seconds(5));
  EXPECT_EQ(config.source.copy.parallel, 3);
  EXPECT_EQ(config.source.copy.range_bytes_target, 32u << 20);
  EXPECT_EQ(config.source.copy.bytes_per_second_max, 50u << 20);
  EXPECT_EQ(config.source.copy.standby_lag_max, seconds(5));
  EXPECT_EQ(config.source.slot_budget_warn_bytes, 5ull << 30);
  EXPECT_EQ(config.source.slot_give_up_bytes, 50ull << 30);
  EXPECT_EQ(config.pipeline.verify.every, std::chrono::hours(6));
  EXPECT_EQ(config.pipeline.verify.bytes_per_second_max, 4u << 20);
  EXPECT_EQ(config.replica->dsn, "postgresql://writer:t0p@target:5432/warehouse");
  EXPECT_EQ(config.replica->commit_interval, milliseconds(1000));
  EXPECT_EQ(config.replica->commit_bytes_max, 16u << 20);
  EXPECT_EQ(config.lake->warehouse, "/srv/lake/warehouse");
  EXPECT_EQ(config.lake->catalog_uri, "/project/lake.db");
  EXPECT_EQ(config.lake->catalog_name, "main");
  EXPECT_EQ(config.lake->commit_interval, milliseconds(10'000));
  EXPECT_EQ(config.lake->commit_bytes_max, 64u << 20);
  ASSERT_EQ(config.lake->partition.size(), 2u);
  EXPECT_EQ(config.lake->partition[1].transform, "bucket");
  EXPECT_EQ(config.lake->partition[1].width, 16);
  EXPECT_EQ(config.lake->partition[1].column, "facility_id");
  ASSERT_EQ(config.lake->sort.size(), 2u);
  EXPECT_EQ(config.lake->sort[1].column, "hit_at");
  EXPECT_FALSE(config.lake->sort[1].ascending);
  EXPECT_EQ(config.lake->file_bytes_target, 256u << 20);
  EXPECT_EQ(config.lake->compression, "snappy");
  EXPECT_EQ(config.lake->compression_level, 3);
  EXPECT_EQ(config.lake->snapshots_kept, 50);
  EXPECT_EQ(config.lake->tags.hourly, 48);
  EXPECT_EQ(config.lake->tags.daily, 0);
  EXPECT_EQ(config.lake->changes.tables, (std::vector<std::string>{"app.*", "public.player"}));
  EXPECT_EQ(config.lake->changes.partition.at(0).transform, "day");
  EXPECT_EQ(config.lake->changes.keep, std::chrono::hours(24 * 30));
  EXPECT_EQ(config.lake->manifests_merged_at, 10);
  ASSERT_TRUE(config.lake->tables.contains("public.shot"));
  EXPECT_EQ(config.lake->tables.at("public.shot").partition->at(0).column, "hit_at");
  EXPECT_TRUE(config.lake->tables.at("public.shot").sort->empty());
  EXPECT_THAT(config.pipeline.include, ElementsAre("public.*"));
  EXPECT_THAT(config.pipeline.exclude, ElementsAre("public.tmp_*"));
  EXPECT_EQ(config.pipeline.queue_bytes_max, 8u << 20);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.log_format, "json");
}

TEST(ConfigLoader, ReportsTenMistakesAtOnceWithTheirLines) {
  const LoadedConfig loaded = Read(R"YAML(version: 2
project: Track Man
sources:
  backend:
    type: postgress
    host: ${UNSET}
    port: 99999
    database: trackman
    password: hunter2
    slot: { nme: x }
sinks:
  lake:
    type: iceberg
    warehouse: hdfs://bucket/x
    commit: { interval: 10 parsecs }
    partition: ["week(day)"]
pipelines:
  main:
    from: backendd
    to: [lake, repl]
)YAML");
  EXPECT_FALSE(loaded.config.has_value());
  std::vector<std::pair<size_t, int>> found;
  for (const ConfigMistake& mistake : loaded.mistakes) found.emplace_back(mistake.place.line, mistake.code);
  EXPECT_THAT(found, ElementsAre(std::pair{1, slu::kNotSupported}, std::pair{2, slu::kBadValue}, std::pair{5, slu::kBadValue},
                                 std::pair{6, slu::kVariableUnset}, std::pair{7, slu::kOutOfRange}, std::pair{9, slu::kPlainSecret},
                                 std::pair{10, slu::kUnknownField}, std::pair{14, slu::kNotSupported}, std::pair{15, slu::kBadUnit},
                                 std::pair{16, slu::kBadValue}, std::pair{19, slu::kUnknownName}, std::pair{20, slu::kUnknownName}))
      << Rendered(loaded);
  EXPECT_THAT(Rendered(loaded), Not(HasSubstr("hunter2")));
}

TEST(ConfigLoader, ShowsATypoWithLineMarksAndWhatIsAllowed) {
  const LoadedConfig loaded = Read(Replaced(kWhole, "tables:\n      include", "tables:\n      inclde"));
  ASSERT_EQ(loaded.mistakes.size(), 1u);
  EXPECT_EQ(RenderMistake(loaded.mistakes[0], loaded.texts),
            "error[SLU-1104]: unknown field \"inclde\" in pipelines.trackman.tables\n"
            "  ┌ sluice.yaml:44:7\n"
            "  │       inclde: [\"public.*\"]\n"
            "  │       ^^^^^^ did you mean \"include\"?\n"
            "why:  A misspelt field would otherwise be ignored in silence.\n"
            "fix:  rename the field. Allowed here: include, exclude, without_identity, watch\n");
}

TEST(ConfigLoader, ShowsWhichVariableIsMissingAndWhatItIsFor) {
  const LoadedConfig loaded = Read(Replaced(kWhole, "${DB_HOST}", "${NO_HOST:?reader endpoint}"));
  ASSERT_EQ(loaded.mistakes.size(), 1u);
  EXPECT_EQ(RenderMistake(loaded.mistakes[0], loaded.texts),
            "error[SLU-1121]: ${NO_HOST} has no value\n"
            "  ┌ sluice.yaml:10:11   sources.backend.host\n"
            "  │     host: ${NO_HOST:?reader endpoint}\n"
            "  │           ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
            "why:  the configuration requires it: \"reader endpoint\"\n"
            "fix:  export NO_HOST=…\n"
            "      use a default: ${NO_HOST:-…}\n");
}

TEST(ConfigLoader, ReadsARestCatalog) {
  const auto read = [](const std::string& catalog) { return Read(Replaced(kWhole, "catalog: { type: sqlite, path: lake.db, name: main }", "catalog: { type: rest, " + catalog + " }")); };
  const LoadedConfig loaded = read("uri: \"https://polaris.example/api/catalog/\", warehouse: lake, ca_file: ca.pem, oauth2: { client_id: sluice, client_secret: \"${TARGET_PASSWORD}\", scope: \"PRINCIPAL_ROLE:ALL\" }");
  ASSERT_TRUE(loaded.config.has_value()) << Rendered(loaded);
  const RestCatalogConfig& rest = loaded.config->lake->rest_catalog.value();
  EXPECT_EQ(rest.uri, "https://polaris.example/api/catalog");
  EXPECT_EQ(rest.warehouse, "lake");
  EXPECT_EQ(rest.ca_file, "/project/ca.pem");
  EXPECT_EQ(rest.client_id, "sluice");
  EXPECT_FALSE(rest.client_secret.empty());
  EXPECT_EQ(rest.scope, "PRINCIPAL_ROLE:ALL");
  EXPECT_EQ(read("uri: \"https://glue.eu-central-1.amazonaws.com/iceberg\", sigv4: { service: glue, region: eu-central-1 }").config->lake->rest_catalog->signing_service, "glue");
}

TEST(ConfigLoader, TellsWhatIsWrongWithARestCatalogAndShowsNoSecret) {
  const auto mistake = [](const std::string& catalog) {
    return Rendered(Read(Replaced(kWhole, "catalog: { type: sqlite, path: lake.db, name: main }", "catalog: { type: rest, " + catalog + " }")));
  };
  EXPECT_THAT(mistake("warehouse: lake"), HasSubstr("uri"));
  for (const char* const uri : {"polaris", "https://", "https://user:hunter2@polaris", "https://polaris?a=b", "ftp://polaris"})
    EXPECT_THAT(mistake("uri: \"" + std::string(uri) + "\""), HasSubstr("is no address of a server")) << uri;
  EXPECT_THAT(mistake("uri: \"http://p\", token: hunter2"), AllOf(HasSubstr("SLU-1"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(mistake("uri: \"http://p\", token: \"${TARGET_PASSWORD}\", sigv4: { service: glue, region: r }"), HasSubstr("exclude each other"));
  EXPECT_THAT(mistake("uri: \"http://p\", sigv4: { service: s3, region: r }"), HasSubstr("s3tables"));
  EXPECT_THAT(mistake("uri: \"http://p\", oauth2: { client_id: a }"), HasSubstr("client_secret"));
  EXPECT_THAT(mistake("uri: \"http://p\", path: lake.db"), HasSubstr("path"));
}

TEST(ConfigLoader, TakesNoPasswordInPlainText) {
  const std::string dsn = "dsn: postgresql://writer:${TARGET_PASSWORD}@target:5432/warehouse";
  for (const char* literal :
       {"dsn: postgresql://writer:hunter2@target/warehouse", "dsn: host=target password=hunter2", "dsn: \"host=target password = 'hunter2'\"",
        "dsn: postgresql://target/warehouse?password=hunter2", "dsn: ${UNSET:-postgresql://writer:hunter2@target/x}",
        "dsn: postgresql://writer:${UNSET:-hunter2}@target/x", "dsn: postgresql://writer:${TARGET_PASSWORD}hunter2@target/x"}) {
    const LoadedConfig loaded = Read(Replaced(kWhole, dsn, literal));
    ASSERT_EQ(loaded.mistakes.size(), 1u) << literal << Rendered(loaded);
    EXPECT_EQ(loaded.mistakes[0].code, slu::kPlainSecret) << literal;
    EXPECT_THAT(RenderMistake(loaded.mistakes[0], loaded.texts), Not(HasSubstr("hunter2"))) << literal;
  }
  const LoadedConfig in_field = Read(Replaced(kWhole, "password: ${DB_PASSWORD}", "password: ${DB_PASSWORD:-hunter2}"));
  ASSERT_EQ(in_field.mistakes.size(), 1u);
  EXPECT_EQ(in_field.mistakes[0].code, slu::kPlainSecret);
  EXPECT_THAT(Rendered(in_field), Not(HasSubstr("hunter2")));
}

TEST(ConfigLoader, NeverShowsAPasswordWhenAnotherMistakeIsOnItsLine) {
  const LoadedConfig loaded = Read("sources: { a: { type: postgres, host: h, database: d, password: hunter2, prot: 1 } }\n"
                                   "sinks: {}\npipelines: {}\n");
  EXPECT_GE(loaded.mistakes.size(), 2u);
  EXPECT_THAT(Rendered(loaded), Not(HasSubstr("hunter2")));
  const LoadedConfig broken = Read("sources:\n  a: { dsn: \"postgresql://u:hunter2@h/d\", : ]\n");
  EXPECT_GE(broken.mistakes.size(), 1u);
  EXPECT_THAT(Rendered(broken), Not(HasSubstr("hunter2")));
}

TEST(ConfigLoader, AVariableCannotChangeTheStructure) {
  const LoadedConfig loaded = Read(Replaced(kWhole, "database: it's", "database: ${EVIL}"));
  ASSERT_TRUE(loaded.config.has_value()) << Rendered(loaded);
  EXPECT_THAT(loaded.config->source.dsn, HasSubstr("dbname='a\nsinks: {}\n# }'"));
  EXPECT_TRUE(loaded.config->lake.has_value());
}

TEST(ConfigLoader, AVariableCannotAddToAConnectionString) {
  const LoadedConfig loaded = ReadConfig({"sluice.yaml", Replaced(kWhole, "user: reader", "user: ${USER_NAME}")}, {}, "/project",
                                         [](const std::string& name) -> std::optional<std::string> {
                                           return name == "USER_NAME" ? "x' host='evil" : Lookup(name);
                                         });
  ASSERT_TRUE(loaded.config.has_value());
  EXPECT_THAT(loaded.config->source.dsn, HasSubstr(R"(user='x\' host=\'evil')"));
}

TEST(ConfigLoader, RefusesAKeyTwice) {
  const LoadedConfig loaded = Read(std::string(kWhole) + "project: again\n");
  ASSERT_EQ(loaded.mistakes.size(), 1u);
  EXPECT_EQ(loaded.mistakes[0].code, slu::kDuplicateKey);
  EXPECT_EQ(loaded.mistakes[0].hint, "first on line 2");
}

TEST(ConfigLoader, RefusesAliasesSoThatNoFileGrowsWhenRead) {
  const LoadedConfig loaded = Read("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n");
  size_t refused = 0;
  for (const ConfigMistake& mistake : loaded.mistakes) refused += mistake.code == slu::kYamlAlias ? 1 : 0;
  EXPECT_EQ(refused, 6u);
}

TEST(ConfigLoader, RefusesDeepAndLargeFiles) {
  const LoadedConfig deep = Read(std::string(5000, '['));
  ASSERT_EQ(deep.mistakes.size(), 1u);
  EXPECT_EQ(deep.mistakes[0].code, slu::kYamlLimit);
  const LoadedConfig large = Read(std::string(2 << 20, '#'));
  ASSERT_EQ(large.mistakes.size(), 1u);
  EXPECT_EQ(large.mistakes[0].code, slu::kYamlLimit);
  std::string many = "a: [";
  for (int i = 0; i < 60'000; ++i) many += "x,";
  const LoadedConfig nodes = Read(many + "]");
  ASSERT_EQ(nodes.mistakes.size(), 1u);
  EXPECT_EQ(nodes.mistakes[0].code, slu::kYamlLimit);
}

TEST(ConfigLoader, AnEmptyFileMissesItsSections) {
  for (const char* text : {"", "\n", "# nothing\n", "~", "---\n..."}) {
    const LoadedConfig loaded = Read(text);
    EXPECT_EQ(loaded.mistakes.size(), 3u) << text;
    for (const ConfigMistake& mistake : loaded.mistakes) EXPECT_EQ(mistake.code, slu::kMissingField);
  }
}

TEST(ConfigLoader, AnOverrideIsReadLikeTheFile) {
  const LoadedConfig loaded = Read(kWhole, {"sinks.lake.commit.interval=2s", "pipelines.trackman.tables.include=[\"booking.*\", \"a.b\"]",
                                            "pipelines.trackman.table_options.public.shot.lake.partition=[year(hit_at)]",
                                            "sources.backend.stream.spill_after=2MiB"});
  ASSERT_TRUE(loaded.config.has_value()) << Rendered(loaded);
  EXPECT_EQ(loaded.config->lake->commit_interval, milliseconds(2000));
  EXPECT_THAT(loaded.config->pipeline.include, ElementsAre("booking.*", "a.b"));
  EXPECT_EQ(loaded.config->lake->tables.at("public.shot").partition->at(0).transform, "year");
  EXPECT_EQ(loaded.config->source.spill_after_bytes, 2u << 20);
}

TEST(ConfigLoader, AMistakeInAnOverrideIsShownInIt) {
  const LoadedConfig loaded = Read(kWhole, {"sinks.lake.commit.interval=soon"});
  ASSERT_EQ(loaded.mistakes.size(), 1u);
  EXPECT_THAT(RenderMistake(loaded.mistakes[0], loaded.texts),
              HasSubstr("  ┌ -X:1:28   sinks.lake.commit.interval\n"
                        "  │ sinks.lake.commit.interval=soon\n"
                        "  │                            ^^^^ e.g. 30s\n"));
  for (const char* bad : {"nothing", "=x", ".a=1", "a..b=1", "project.x=1", "sinks.lake.comit.interval=1s", "version=[", "project="})
    EXPECT_FALSE(Read(kWhole, {bad}).config.has_value()) << bad;
}

TEST(ConfigLoader, ANameWithEscapeSequencesIsPrintedHarmlessly) {
  const LoadedConfig loaded = Read("\"evil\\e[2J\\nforged\": 1\nsources: {}\nsinks: {}\npipelines: {}\n");
  const std::string shown = Rendered(loaded);
  EXPECT_THAT(shown, HasSubstr("unknown field \"evil\\x1b[2J\\nforged\""));
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
}

TEST(ConfigLoader, NoMutationOfAFileCrashesIt) {
  std::mt19937 random(20260928);
  constexpr std::string_view kBytes = "\n\t :{}[]\"'$&*!|>%@#-?,.\0\x7f\xff\xc3\xe2\x80 a1~";
  const std::string whole = kWhole;
  for (int round = 0; round < 3000; ++round) {
    std::string text = whole;
    for (int edits = 1 + static_cast<int>(random() % 8); edits > 0; --edits) {
      const size_t at = random() % text.size();
      const size_t size = 1 + random() % 12;
      switch (random() % 4) {
        case 0: text.erase(at, size); break;
        case 1: text.insert(at, 1, kBytes[random() % kBytes.size()]); break;
        case 2: text[at] = static_cast<char>(random()); break;
        case 3: text.insert(at, text.substr(random() % text.size(), size * 8)); break;
      }
    }
    const LoadedConfig loaded = Read(text);
    EXPECT_NE(loaded.config.has_value(), !loaded.mistakes.empty());
    for (const ConfigMistake& mistake : loaded.mistakes) {
      EXPECT_NE(FindError(mistake.code), nullptr) << mistake.code;
      EXPECT_EQ(RenderMistake(mistake, loaded.texts).find('\x1b'), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace sluice
