#include "cli/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/status_json.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PipelineStatus Status() {
  PipelineStatus status;
  status.at = Timestamp(std::chrono::microseconds(1'790'588'659'201'000));
  status.started_at = status.at - std::chrono::hours(292);
  status.project = "trackman";
  status.state = PipelineState::kStreaming;
  status.source_name = "backend";
  status.slot_budget_bytes = 40ull << 30;
  SlotState slot;
  slot.name = "sluice_trackman";
  slot.behind_bytes = 14 << 20;
  slot.retained_bytes = 96 << 20;
  status.slot = slot;
  status.log.slot = "sluice_trackman";
  status.sinks.resize(1);
  status.sinks[0].name = "replica";
  status.sinks[0].state = "streaming";
  status.sinks[0].freshness_seconds = 1.84;
  status.sinks[0].rows_per_second = 1204;
  status.sinks[0].lsn = Lsn{0x5C9A01F2E8};
  status.tables.resize(2);
  status.tables[0].table = "public.shot";
  status.tables[0].state = TableState::kStreaming;
  status.tables[0].rows_copied = 1000;
  status.tables[0].copied_in = {"lake", "replica"};
  status.tables[1].table = "public.evil\n";
  status.tables[1].state = TableState::kCopying;
  status.tables[1].bytes_total = 200;
  status.tables[1].bytes_read = 100;
  return status;
}

std::string Shown(const PipelineStatus& status) { return RenderStatus(StatusToJson(status), true); }

TEST(StatusReport, ShowsFreshnessSlotAndTables) {
  EXPECT_EQ(Shown(Status()),
            "trackman  STREAMING  since 2026-09-16T05:44:19.201Z\n"
            "SINK     FRESHNESS  ROWS/S  LSN          STATE\n"
            "replica      1.8 s   1,204  5C/9A01F2E8  streaming\n"
            "SOURCE backend  slot sluice_trackman  behind 14 MiB  retained 96 MiB of 40 GiB budget (0.2%)\n"
            "TABLES  1 streaming · 1 copying\n");
}

TEST(StatusReport, ForecastsTheSlotAndNamesWhatDiffers) {
  PipelineStatus status = Status();
  status.slot_over_budget_in = std::chrono::hours(3);
  status.slot_lost_in = std::chrono::hours(5);
  status.tables[0].compared = {{"lake", status.at, Lsn{1}, Comparison::kEqual, 0, "", false},
                               {"replica", status.at, Lsn{1}, Comparison::kDifferent, 3, "", false}};
  EXPECT_THAT(Shown(status), HasSubstr("(0.2%)  over it in 3h 00m"));
  EXPECT_THAT(Shown(status), HasSubstr("LOST in 5h 00m"));
  EXPECT_THAT(Shown(status), HasSubstr("VERIFY  1 of 2 tables compared with the source, the oldest at 2026-09-28T"));
  EXPECT_THAT(Shown(status), HasSubstr("DIFFERS public.shot in replica  3 rows   run: sluice verify diff public.shot\n"));
  EXPECT_EQ(StatusExitCode(StatusToJson(status)), ExitCode::kDegraded);
  status.tables[0].compared[1].append_only = true;
  EXPECT_THAT(Shown(status), Not(HasSubstr("DIFFERS"))) << "declared";
  EXPECT_EQ(StatusExitCode(StatusToJson(status)), ExitCode::kOk);
}

TEST(StatusReport, ShowsWhyItRetries) {
  PipelineStatus status = Status();
  status.state = PipelineState::kRetrying;
  status.retry = RetryStatus{2, 8, 4};
  status.last_error = Error{ErrorKind::kUnavailable, "connection\nreset"};
  const std::string shown = Shown(status);
  EXPECT_THAT(shown, HasSubstr("RETRY   attempt 2 of 8, next in 4 s\n"));
  EXPECT_THAT(shown, HasSubstr("ERROR   SLU-9001 connection\\nreset   run: sluice explain SLU-9001\n"));
  EXPECT_EQ(StatusExitCode(StatusToJson(status)), ExitCode::kDegraded);
  EXPECT_EQ(StatusExitCode(StatusToJson(Status())), ExitCode::kOk);
}

TEST(StatusReport, SurvivesADocumentOfAnotherVersion) {
  EXPECT_THAT(RenderStatus({{"state", 7}, {"sinks", {{{"name", nullptr}, {"freshness_seconds", "soon"}}}}, {"retry", nlohmann::ordered_json::object()}}, true), HasSubstr("unknown"));
}

TEST(StatusReport, TablesShowWhatIsKeptOfAnInterruptedCopy) {
  PipelineStatus status = Status();
  status.tables[1].ranges_kept = 37;
  status.tables[1].ranges_total = 40;
  EXPECT_THAT(TablesTable(TablesToJson(status, {})).Render(false), HasSubstr("\tcopying\t50%, 37 of 40 ranges kept\t"));
}

TEST(StatusReport, TablesShowHowFarTheyAre) {
  EXPECT_EQ(TablesTable(TablesToJson(Status(), {})).Render(false),
            "TABLE\tSTATE\tCOPIED\tCOPY LSN\tSINKS\tHELD\n"
            "public.shot\tstreaming\t1,000 rows\t–\tlake, replica\t\n"
            "public.evil\\n\tcopying\t50%\t–\t\t\n");
}

}  // namespace
}  // namespace sluice::cli
