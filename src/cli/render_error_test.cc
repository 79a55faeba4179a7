#include "cli/render_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/output.h"
#include "cli/terminal.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RenderError, ShowsWhatHappenedEvidenceWhyAndFix) {
  const Error error{ErrorKind::kConflict, "replication slot \"s\" is being read by someone else", 0, "postgres: slot is active", "", {"wait", "stop it"}};
  EXPECT_EQ(RenderError(error, false),
            "error[SLU-9002]: replication slot \"s\" is being read by someone else\n"
            "      postgres: slot is active\n"
            "why:  Another process took over, or holds what we need.\n"
            "fix:  1. wait\n"
            "      2. stop it\n"
            "more: sluice explain SLU-9002\n");
}

TEST(RenderError, NamesCannotForgeLinesOrDriveTheTerminal) {
  const std::string shown = RenderError({ErrorKind::kCorrupt, "table a\nerror[SLU-1]: forged\x1b[2J"}, false);
  EXPECT_THAT(shown, HasSubstr("table a\\nerror[SLU-1]: forged\\x1b[2J\n"));
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
}

TEST(RenderError, ShowsNoPassword) {
  const Error error{ErrorKind::kUnavailable, "cannot connect to postgres://u:hunter2@h", 0, "dsn: password=hunter2", "", {"psql postgres://u:hunter2@h"}};
  EXPECT_THAT(RenderError(error, false), Not(HasSubstr("hunter2")));
  EXPECT_THAT(ErrorToJson(error).dump(), Not(HasSubstr("hunter2")));
}

TEST(RenderError, TheExitCodeComesFromTheEntryElseFromTheKind) {
  EXPECT_EQ(ExitCodeOf({ErrorKind::kNeedsOperator, "m", slu::kConfigMistakes}), ExitCode::kConfig);
  EXPECT_EQ(ExitCodeOf({ErrorKind::kUnavailable, "m"}), ExitCode::kUnavailable);
  EXPECT_EQ(ExitCodeOf({ErrorKind::kConflict, "m"}), ExitCode::kConflict);
  EXPECT_EQ(ExitCodeOf({ErrorKind::kSourceLost, "m"}), ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf({ErrorKind::kCorrupt, "m"}), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf({ErrorKind::kNeedsOperator, "m", 0, "postgres: permission denied for table t [42501]"}), ExitCode::kNoPermission);
  EXPECT_EQ(ExitCodeOf({ErrorKind::kNeedsOperator, "m", 0, "postgres: FATAL:  database \"nowhere\" does not exist"}), ExitCode::kConfig);
}

TEST(RenderError, JsonCarriesEveryMistakeOfAConfiguration) {
  const LoadedConfig loaded = ReadConfig({"sluice.yaml", "version: 1\nprojct: x\n"}, {}, "/project");
  const auto json = MistakesToJson(loaded);
  EXPECT_EQ(json["schema"], "sluice.error/v1");
  EXPECT_EQ(json["error"]["code"], "SLU-1003");
  ASSERT_EQ(json["error"]["mistakes"].size(), 4u);
  EXPECT_EQ(json["error"]["mistakes"][3]["location"]["line"], 2);
  EXPECT_EQ(json["error"]["mistakes"][3]["hint"], "did you mean \"project\"?");
}

TEST(Table, AlignsForPeopleAndSeparatesByTabsForPrograms) {
  Table table({{"TABLE"}, {"ROWS", Align::kRight}});
  table.AddRow({"public.表", "7"});
  table.AddRow({"a\tb\nc", "1,204"});
  EXPECT_EQ(table.Render(true),
            "TABLE       ROWS\n"
            "public.表      7\n"
            "a\\tb\\nc    1,204\n");
  EXPECT_EQ(table.Render(false), "TABLE\tROWS\npublic.表\t7\na\\tb\\nc\t1,204\n");
}

TEST(Terminal, CountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("✓ ok"), 4u);
  EXPECT_EQ(DisplayWidth("表"), 2u);
  EXPECT_EQ(DisplayWidth("\xff\xc3"), 2u);
}

}  // namespace
}  // namespace sluice::cli
