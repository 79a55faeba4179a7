#pragma once
// Named places where a test makes production code fail. Free when nothing is armed.
//
// SLUICE_FAILPOINTS="lake.before_commit=kill,replica.apply=error:2" arms them, where the number says at
// which hit the action is taken (1: the first). Actions: kill (SIGKILL to ourselves), error (kUnavailable),
// unknown (kOutcomeUnknown, after the effect), delay (200 ms).

#include <atomic>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::failpoint {

/// True once anything is armed; read on every pass through a failpoint.
extern std::atomic<bool> armed;

/// Takes the action armed for `name`, if it is due.
Status Hit(std::string_view name);

/// Arms from a specification as above; replaces what was armed. Error: kNeedsOperator on bad syntax or an
/// unknown name.
Status Arm(std::string_view specification);

/// Every failpoint compiled into this program, sorted.
std::vector<std::string_view> All();

}  // namespace sluice::failpoint

// A name lands in a linker section of its own, so that the list of all needs no registration code.
#define SLUICE_FAILPOINT(name)                                                                        \
  do {                                                                                                \
    static const char* const failpoint_name                                                           \
        __attribute__((section("sluice_failpoints"), used)) = name;                                   \
    if (::sluice::failpoint::armed.load(std::memory_order_relaxed))                                   \
      RETURN_IF_ERROR(::sluice::failpoint::Hit(failpoint_name));                                      \
  } while (false)
