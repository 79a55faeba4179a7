#include "pipeline/status_board.h"

#include <gtest/gtest.h>

#include "pipeline/status_json.h"
#include "pipeline/testing/fake_world.h"

namespace sluice {
namespace {

using std::chrono::seconds;
using testing::Named;

class StoppedClock final : public Clock {
 public:
  Timestamp Now() const override { return now; }
  Timestamp now{seconds(1'790'588'659) + std::chrono::milliseconds(201)};
};

class StatusBoardTest : public ::testing::Test {
 protected:
  StatusBoardTest() {
    board_.Opened({7001, 1, "shop", "sluice"}, tables_);
    Open("replica", copied_, BookmarkAt(clock_.now - seconds(5)));
    Open("lake", {}, std::nullopt);
    board_.Phase(PipelineState::kStreaming);
  }
  void Open(const std::string& name, const CopiedTables& copied, const std::optional<Bookmark>& bookmark, const HeldTables& held = {}) {
    testing::FakeDestination destination(name);
    destination.copied = copied;
    destination.bookmark = bookmark;
    destination.held = held;
    board_.SinkOpened(testing::FakeSink(destination), seconds(60));
  }
  static Bookmark BookmarkAt(Timestamp source_time) { return {{{7001, 1, "shop", "sluice"}, Lsn{0x100}}, 1, source_time}; }

  testing::FakeLog log_{{"shot", "player"}};
  const std::vector<TableDefinition> tables_ = log_.definitions();
  const CopiedTables copied_{{Named("shot"), {20000, Lsn{0x50}}}, {Named("player"), {20001, Lsn{0x60}}}};
  StoppedClock clock_;
  StatusBoard board_{"trackman", "backend", {1000, 0}, clock_};
};

TEST_F(StatusBoardTest, ASinkThatWasNeverCompleteHasNoFreshness) {
  const PipelineStatus status = board_.Snapshot();
  ASSERT_EQ(status.sinks.size(), 2u);
  EXPECT_EQ(status.sinks[0].name, "lake");
  EXPECT_FALSE(status.sinks[0].freshness_seconds.has_value());
  EXPECT_DOUBLE_EQ(status.sinks[1].freshness_seconds.value(), 5);
}

TEST_F(StatusBoardTest, FreshnessGrowsWhileARetryGoesOn) {
  board_.Retrying(Error{ErrorKind::kUnavailable, "source is away"}, {2, 20, 4});
  clock_.now += seconds(100);
  const PipelineStatus status = board_.Snapshot();
  EXPECT_DOUBLE_EQ(status.sinks[1].freshness_seconds.value(), 105);
  EXPECT_EQ(status.sinks[1].state, "retrying");
  EXPECT_EQ(status.last_error->message, "source is away");
}

TEST_F(StatusBoardTest, ASinkWithMissingTablesIsNotFreshWhateverItsBookmarkSays) {
  Open("late", {{Named("shot"), {20000, Lsn{0x50}}}}, BookmarkAt(clock_.now));
  for (const SinkStatus& sink : board_.Snapshot().sinks) {
    EXPECT_EQ(sink.freshness_seconds.has_value(), sink.name == "replica") << sink.name;
  }
}

TEST_F(StatusBoardTest, ATableThatCatchesUpMakesItsSinkOlderAndItsPositionIsTheSinks) {
  CopiedTables copied = copied_;
  copied.at(Named("player")).catching_up_from = Lsn{0x60};
  Open("late", copied, BookmarkAt(clock_.now));
  for (const SinkStatus& sink : board_.Snapshot().sinks) {
    if (sink.name != "late") continue;
    EXPECT_FALSE(sink.freshness_seconds.has_value());
    EXPECT_EQ(sink.lsn, Lsn{0x60});
  }
}

TEST_F(StatusBoardTest, ATableStreamsOnceItHasCaughtUpWithTheBookmarkOfItsSink) {
  CopiedTables copied = copied_;
  copied.at(Named("player")).catching_up_from = Lsn{0x60};
  Open("lake", copied, BookmarkAt(clock_.now));
  const auto states = [&] {
    const PipelineStatus status = board_.Snapshot();
    return std::pair(status.tables[0].state, status.tables[1].state);
  };
  EXPECT_EQ(states(), std::pair(TableState::kCatchingUp, TableState::kStreaming));
  EXPECT_EQ(StatusToJson(board_.Snapshot())["tables"]["catching_up"], 1);
  board_.SinkMoved("lake", Lsn{0x99}, clock_.now, 1);
  EXPECT_EQ(states().first, TableState::kCatchingUp);
  board_.SinkMoved("lake", Lsn{0x100}, clock_.now, 1);
  EXPECT_EQ(states().first, TableState::kStreaming);
  // One that a commit has left ahead of the others' bookmark misses nothing.
  copied.at(Named("player")).catching_up_from = Lsn{0x200};
  Open("lake", copied, BookmarkAt(clock_.now));
  EXPECT_EQ(states().first, TableState::kStreaming);
}

TEST_F(StatusBoardTest, AHeldTableIsShownWithItsReasonWhileTheOthersStream) {
  CopiedTables copied = copied_;
  copied.erase(Named("player"));
  Open("lake", copied, BookmarkAt(clock_.now), {{Named("player"), {20001, 4107, "column length changed", Lsn{0x90}}}});
  const PipelineStatus status = board_.Snapshot();
  EXPECT_EQ(status.tables[0].state, TableState::kHeld);
  EXPECT_EQ(status.tables[1].state, TableState::kStreaming);
  const auto json = StatusToJson(status);
  EXPECT_EQ(json["tables"]["held"], 1);
  EXPECT_EQ(json["tables"]["held_tables"][0]["table"], "public.player");
  EXPECT_EQ(json["tables"]["held_tables"][0]["code"], "SLU-4107");
}

TEST_F(StatusBoardTest, ATableStreamsOnceEverySinkHasItsCopy) {
  EXPECT_EQ(board_.Snapshot().tables[0].state, TableState::kWaiting);
  board_.copy_progress().Begin(Lsn{0x70}, {&tables_[0], &tables_[1]});
  board_.copy_progress().RangeStarted(0);
  const PipelineStatus copying = board_.Snapshot();
  EXPECT_EQ(copying.tables[0].table, "public.player");
  EXPECT_EQ(copying.tables[0].state, TableState::kWaiting);
  EXPECT_EQ(copying.tables[1].state, TableState::kCopying);
  Open("lake", copied_, BookmarkAt(clock_.now));
  for (const TableStatus& table : board_.Snapshot().tables) EXPECT_EQ(table.state, TableState::kStreaming);
}

TEST_F(StatusBoardTest, CommitsAreCountedAndMoveTheBookmark) {
  board_.SinkMoved("replica", Lsn{0x200}, clock_.now, 500);
  board_.SinkMoved("replica", Lsn{0x150}, clock_.now - seconds(9), 0);
  const SinkStatus replica = board_.Snapshot().sinks[1];
  EXPECT_EQ(replica.lsn, Lsn{0x200});
  EXPECT_EQ(replica.rows_total, 500u);
  EXPECT_DOUBLE_EQ(replica.rows_per_second, 50);
  EXPECT_DOUBLE_EQ(replica.freshness_seconds.value(), 0);
}

TEST_F(StatusBoardTest, TheStatusDocumentHasThePromisedFields) {
  SlotState slot;
  slot.name = "sluice";
  slot.behind_bytes = 14;
  slot.retained_bytes = 96;
  slot.wal_status = "reserved";
  board_.Slot(slot);
  const auto json = StatusToJson(board_.Snapshot());
  EXPECT_EQ(json["schema"], "sluice.status/v1");
  EXPECT_EQ(json["at"], "2026-09-28T09:44:19.201Z");
  EXPECT_EQ(json["project"], "trackman");
  EXPECT_EQ(json["state"], "streaming");
  EXPECT_EQ(json["sinks"][0]["name"], "lake");
  EXPECT_TRUE(json["sinks"][0]["freshness_seconds"].is_null());
  EXPECT_EQ(json["sinks"][1]["freshness_seconds"], 5.0);
  EXPECT_EQ(json["sinks"][1]["watermark_at"], "2026-09-28T09:44:14.201Z");
  EXPECT_EQ(json["source"]["slot"], "sluice");
  EXPECT_EQ(json["source"]["behind_bytes"], 14);
  EXPECT_EQ(json["source"]["retained_bytes"], 96);
  EXPECT_EQ(json["source"]["budget_bytes"], 1000);
  EXPECT_EQ(json["tables"]["waiting"], 2);
  EXPECT_EQ(json["tables"]["streaming"], 0);
}

TEST_F(StatusBoardTest, TablesAndBookmarksAreDocumentsOfTheirOwn) {
  const auto tables = TablesToJson(board_.Snapshot(), {"public.sh*"});
  EXPECT_EQ(tables["schema"], "sluice.tables/v1");
  ASSERT_EQ(tables["tables"].size(), 1u);
  EXPECT_EQ(tables["tables"][0]["table"], "public.shot");
  EXPECT_EQ(tables["tables"][0]["copied_in"], std::vector<std::string>{"replica"});
  const auto bookmarks = BookmarksToJson(board_.Snapshot());
  EXPECT_EQ(bookmarks["bookmarks"][1]["sink"], "replica");
  EXPECT_EQ(bookmarks["bookmarks"][1]["lsn"], "0/100");
  EXPECT_EQ(bookmarks["bookmarks"][1]["system_identifier"], "7001");
  EXPECT_TRUE(bookmarks["bookmarks"][0]["lsn"].is_null());
}

}  // namespace
}  // namespace sluice
