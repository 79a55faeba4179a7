#include "cli/progress_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/terminal.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = 1 << 20;

TEST(Bar, IsFullOnlyWhenEverythingIsDone) {
  EXPECT_EQ(Bar(0, 4), "▕░░░░▏");
  EXPECT_EQ(Bar(0.5, 4), "▕██░░▏");
  EXPECT_EQ(Bar(0.54, 4), "▕██▏░▏");
  EXPECT_EQ(Bar(0.999, 4), "▕███▉▏");
  EXPECT_EQ(Bar(1, 4), "▕████▏");
  EXPECT_EQ(Bar(7, 4), "▕████▏");
}

TEST(Speed, GuessesOnlyAfterTenSecondsOfData) {
  Speed speed;
  for (int second = 0; second <= 9; ++second) speed.Sample(second, static_cast<uint64_t>(second) * 10 * kMiB);
  EXPECT_EQ(speed.Eta(100 * kMiB), "–");
  speed.Sample(10, 100 * kMiB);
  EXPECT_NEAR(speed.bytes_per_second(), 10.0 * kMiB, kMiB / 10.0);
  EXPECT_EQ(speed.Eta(600 * kMiB), "1m 00s");
}

TEST(Speed, ForgetsAFastStart) {
  Speed speed;
  speed.Sample(0, 0);
  speed.Sample(1, 1000 * kMiB);
  for (int second = 2; second < 600; ++second) speed.Sample(second, 1000 * kMiB + static_cast<uint64_t>(second) * kMiB);
  EXPECT_NEAR(speed.bytes_per_second(), 1.0 * kMiB, kMiB / 10.0);
}

PipelineStatus Status() {
  PipelineStatus status;
  status.project = "trackman";
  status.sinks.resize(2);
  status.sinks[0].name = "replica";
  status.sinks[0].state = "streaming";
  status.sinks[0].freshness_seconds = 1.84;
  status.sinks[0].rows_per_second = 1204;
  status.sinks[0].lsn = Lsn{0x5C9A01F2E8};
  status.sinks[1].name = "lake";
  status.sinks[1].state = "copying";
  return status;
}

TEST(CopyLines, ShowsRunningTablesAndTheWhole) {
  CopyProgressSnapshot copy;
  copy.copy_lsn = Lsn{0x5C9A01F2E8};
  copy.tables = {{"public.shot", CopyState::kCopying, 100 * kMiB, 71 * kMiB, 71 * kMiB, 148'200'000, 208'900'000},
                 {"public.session", CopyState::kFinishing, 10 * kMiB, 10 * kMiB, 10 * kMiB, 9'820'000, 9'820'000},
                 {"public.player", CopyState::kDone, 10 * kMiB, 10 * kMiB, 10 * kMiB, 412'907, 400'000},
                 {"public.later", CopyState::kWaiting, 80 * kMiB, 0, 0, 0, -1}};
  const std::vector<std::string> lines = CopyLines(Status(), copy, Speed(), 200, 10);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "Copying trackman → replica + lake · consistent at 5C/9A01F2E8 · 1 of 4 tables at once");
  EXPECT_EQ(lines[1], "  public.shot          ▕██████████████▏░░░░░▏  71%  148.2M/208.9M rows  71 MiB of 100 MiB");
  EXPECT_EQ(lines[2], "  public.session       ▕███████████████████▊▏  99%  9.82M rows  10 MiB  committing…");
  EXPECT_EQ(lines[3], " Overall  ▕█████████░░░░░░░░░░░▏ 45%  91 MiB of 200 MiB · 1 done · 2 running · 1 waiting  0 B/s  eta –");
}

TEST(CopyLines, NeverIsWiderThanTheTerminalNorLongerThanAsked) {
  CopyProgressSnapshot copy;
  for (int i = 0; i < 100; ++i) copy.tables.push_back({"public.表表表表表表表表表表表表表表表表表表表表表表\x1b[2J", CopyState::kCopying, 100, 50, 50, 7, 9});
  const std::vector<std::string> lines = CopyLines(Status(), copy, Speed(), 40, 10);
  EXPECT_EQ(lines.size(), 12u);
  for (const std::string& line : lines) {
    EXPECT_LE(DisplayWidth(line), 40u) << line;
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
  }
}

TEST(StreamLines, SayHowFreshEachSinkIs) {
  const std::vector<std::string> lines = StreamLines(Status(), 200);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "  replica     streaming  fresh 1.8 s      1,204 rows/s  at 5C/9A01F2E8");
  EXPECT_THAT(lines[1], HasSubstr("fresh unknown"));
}

}  // namespace
}  // namespace sluice::cli
