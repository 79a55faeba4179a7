#include "cli/check_report.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

std::vector<CheckGroup> Groups() {
  return {{"CONFIG", "sluice.yaml", {{"C001", Severity::kOk, "", "syntax"}, {"C020", Severity::kOk, "", "no plain-text secrets"}}},
          {"SOURCE", "backend", {{"S010", Severity::kOk, "wal_level", "wal_level=logical"},
                                 {"S013", Severity::kWarn, "max_slot_wal_keep_size", "-1", "a limit", "ALTER SYSTEM SET max_slot_wal_keep_size = '40GB';"},
                                 {"S030", Severity::kFail, "public.evil\n\x1b[2J", "no primary key", "a row identity", "A\nB"},
                                 {"S050", Severity::kInfo, "", "estimated copy: 12 MiB"}}}};
}

TEST(CheckReport, ShowsOkLinesTogetherAndEachProblemWithItsFix) {
  EXPECT_EQ(RenderReport(Groups(), false),
            "CONFIG  sluice.yaml                                                             2 ok\n"
            "  ✓ C001 syntax   ✓ C020 no plain-text secrets\n"
            "SOURCE  backend                                                                 1 ok · 1 warn · 1 fail\n"
            "  ✓ S010 wal_level=logical\n"
            "  ! S013 max_slot_wal_keep_size -1 → a limit\n"
            "         fix: ALTER SYSTEM SET max_slot_wal_keep_size = '40GB';\n"
            "  ✗ S030 public.evil\\n\\x1b[2J no primary key → a row identity\n"
            "         fix: A\n"
            "              B\n"
            "  i S050 estimated copy: 12 MiB\n"
            "1 problem must be fixed before start, 1 warning.\n");
}

TEST(CheckReport, CountsForPrograms) {
  const auto json = ReportToJson(Groups());
  EXPECT_EQ(json["schema"], "sluice.check/v1");
  EXPECT_EQ(json["failures"], 1);
  EXPECT_EQ(json["findings"].size(), 6u);
  EXPECT_EQ(json["findings"][3]["fix"]["text"], "ALTER SYSTEM SET max_slot_wal_keep_size = '40GB';");
}

}  // namespace
}  // namespace sluice::cli
