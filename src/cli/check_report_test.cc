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

TEST(CheckReport, FindingsThatAreAlikeAreOneLineForPeopleAndAllThereForPrograms) {
  Findings findings;
  for (const char* column : {"t.a", "t.b", "t.c", "t.d", "t.e"})
    findings.push_back({"L020", Severity::kInfo, column, "date: years become NULL", "", "", "years become NULL"});
  findings.insert(findings.begin() + 1, {"L020", Severity::kWarn, "t.x", "regclass: held as number", "another type", "", "held as number"});
  findings.push_back({"L020", Severity::kWarn, "t.y", "regproc: held as number", "another type", "", "held as number"});
  findings.push_back({"L020", Severity::kWarn, "t.z", "wkb: held as text", "another type", "", "held as text"});
  const std::vector<CheckGroup> groups = {{"LAKE", "lake", findings}};
  EXPECT_EQ(RenderReport(groups, false),
            "LAKE    lake                                                                    0 ok · 3 warn\n"
            "  i L020 years become NULL (5): t.a, t.b, t.c and 2 more, which --json names\n"
            "  ! L020 held as number (2): t.x, t.y → another type\n"
            "  ! L020 t.z wkb: held as text → another type\n"
            "ready to start, 3 warnings.\n");
  EXPECT_EQ(ReportToJson(groups)["findings"].size(), 8u);
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
