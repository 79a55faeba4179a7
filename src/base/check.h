#pragma once
// A bug isn't an error: SLUICE_CHECK aborts, in release too. External input never reaches one.

#include <cstdio>
#include <cstdlib>

namespace sluice::internal {
[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}
}  // namespace sluice::internal

#define SLUICE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::sluice::internal::CheckFailed(#condition, __FILE__, __LINE__))
