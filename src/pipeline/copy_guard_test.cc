#include "pipeline/copy_guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/result.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

CopyGuard::StandbyLag None() {
  return [] { return std::optional<milliseconds>(); };
}

TEST(CopyGuard, AllTogetherReadNoFasterThanAllowed) {
  CopyGuard guard({.bytes_per_second_max = 1000}, None());
  const auto started = steady_clock::now();
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back([&] { guard.Admit(100, {}); });
  readers.clear();
  guard.Admit(100, {});  // After three times 100 ms.
  EXPECT_GE(steady_clock::now() - started, milliseconds(290));
}

TEST(CopyGuard, WithoutLimitsNobodyIsAsked) {
  CopyGuard guard({}, []() -> Result<std::optional<milliseconds>> {
    ADD_FAILURE();
    return std::optional<milliseconds>();
  });
  guard.Admit(UINT64_MAX, {});
}

TEST(CopyGuard, WaitsWhileAStandbyIsBehind) {
  std::atomic<int> asked{0};
  CopyGuard guard({.standby_lag_max = milliseconds(500)}, [&]() -> Result<std::optional<milliseconds>> {
    return std::optional(milliseconds(++asked < 3 ? 501 : 500));
  });
  guard.Admit(1, {});
  EXPECT_EQ(asked, 3);
  guard.Admit(1, {});
  EXPECT_EQ(asked, 3) << "not before every range, but every second";
}

TEST(CopyGuard, AStopEndsTheWait) {
  std::stop_source stop;
  CopyGuard guard({.standby_lag_max = milliseconds(1)}, [&]() -> Result<std::optional<milliseconds>> {
    stop.request_stop();
    return std::optional(milliseconds(2));
  });
  guard.Admit(1, stop.get_token());
  SUCCEED();
}

TEST(CopyGuard, ASourceThatDoesNotAnswerHoldsNothingUp) {
  CopyGuard guard({.standby_lag_max = milliseconds(1)}, []() -> Result<std::optional<milliseconds>> {
    return Error{ErrorKind::kUnavailable, "gone"};
  });
  guard.Admit(1, {});
  SUCCEED();
}

}  // namespace
}  // namespace sluice
