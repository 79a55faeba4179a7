#include "cli/lake/lake_check_report.h"

#include <gmock/gmock.h>

#include "audit/rules.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(LakeCheckReport, ShowsOneNoteOfEachKindAndEverythingThatIsWrong) {
  CheckedLakeTable table{"public.shot", "file:///lake/m.json", {}};
  for (const char* const file : {"a", "b", "c"}) {
    table.checked.findings.Add(audit::kDeleteDangling, file, std::string("note of ") + file);
    table.checked.findings.Add(audit::kSortOrder, file, std::string("wrong in ") + file);
  }
  const std::string text = RenderLakeCheck({table}, /*color=*/false);
  EXPECT_THAT(text, HasSubstr("i A410 note of a\n"));
  EXPECT_THAT(text, HasSubstr("and 2 more like it\n"));
  EXPECT_THAT(text, Not(HasSubstr("note of b")));
  for (const char* const file : {"a", "b", "c"}) EXPECT_THAT(text, HasSubstr(std::string("wrong in ") + file));
  EXPECT_THAT(text, HasSubstr("3 wrong, 0 refused by a reader, 3 notes\n"));
  EXPECT_EQ(LakeCheckToJson({table})["tables"][0]["findings"].size(), 6u);
}

}  // namespace
}  // namespace sluice::cli
