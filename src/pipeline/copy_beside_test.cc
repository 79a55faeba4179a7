// Copies beside a stream that have to begin anew, with sources and destinations in memory.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "observability/errors/source_codes.h"
#include "pipeline/pipeline.h"
#include "pipeline/testing/fake_world.h"
#include "pipeline/testing/run_all.h"

namespace sluice {
namespace {

using testing::FakeWorld;

constexpr int kRanges = 2;  // Of the fake's tables.

Lsn Confirmed(FakeWorld& world) {
  const std::lock_guard lock(world.log.mutex);
  return world.log.slot->confirmed_flush_lsn;
}

// The sink has its first bookmark by then, although the table was not copied.
TEST(CopyBeside, NothingBeyondTheFirstBookmarkOfASinkIsAcknowledgedWhenItsTableIsEmptiedMeanwhile) {
  FakeWorld world({"shot"}, {"lake"});
  world.log.Insert("shot", 1, 20);
  ASSERT_TRUE(testing::RunUntilCaughtUp(world).ok());
  world.destinations.push_back(std::make_unique<testing::FakeDestination>("replica"));
  testing::FakeDestination& replica = world.sink(1);
  PipelineOptions options;
  options.copy.parallel = 1;
  world.log.fail = [&, reads = std::make_shared<int>(0)](const std::string& at) -> Status {
    if (at != "read") return Ok();
    world.log.Insert("shot", 100 + 10 * *reads);
    if (++*reads <= kRanges) return Error{ErrorKind::kUnavailable, "emptied", slu::kCopiedTableRewritten};
    for (int i = 0; i < 50 && Confirmed(world) <= replica.bookmark_lsn(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return Error{ErrorKind::kUnavailable, "stopped here"};
  };
  ASSERT_FALSE(testing::RunUntilCaughtUp(world, options).ok());
  EXPECT_LE(Confirmed(world), replica.bookmark_lsn());
  world.log.fail = nullptr;
  const Status ran = testing::RunUntilCaughtUp(world, options);
  EXPECT_TRUE(ran.ok()) << (ran.ok() ? "" : ran.error().message);
  EXPECT_TRUE(world.Equal());
}

// Another reader would wait behind who waits for the one that holds the table.
TEST(CopyBeside, ASmallTableThatIsEmptiedAllTheTimeIsReadByWhoHoldsItFromTheSnapshotOn) {
  FakeWorld world({"shot"}, {"lake"});
  world.log.Insert("shot", 1, 20);
  ASSERT_TRUE(testing::RunUntilCaughtUp(world).ok());
  world.destinations.push_back(std::make_unique<testing::FakeDestination>("replica"));
  std::atomic<bool> held = false, another = false;
  std::atomic<int> emptied = 0;
  world.log.fail = [&](const std::string& at) -> Status {
    if (at == "export") held = false;
    if (at == "hold") held = true;
    if (at == "open_reader" && held) another = true;
    if (at != "read" || held) return Ok();
    ++emptied;
    return Error{ErrorKind::kUnavailable, "emptied", slu::kCopiedTableRewritten};
  };
  const Status ran = testing::RunUntilCaughtUp(world);
  ASSERT_TRUE(ran.ok()) << ran.error().message;
  EXPECT_TRUE(held);
  EXPECT_FALSE(another);
  EXPECT_GT(emptied, 1);
  EXPECT_TRUE(world.Equal());
}

}  // namespace
}  // namespace sluice
