#pragma once
// What the programs of the benchmark measure with; whatever fails ends them.

#include <arrow/result.h>
#include <arrow/status.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

#include "base/result.h"

namespace sluice::bench {

inline double Seconds(const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline void Require(const Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "{} {}\n", status.error().message, status.error().evidence);
  std::exit(1);
}

template <class T>
T Must(Result<T> result) {
  Require(result.ok() ? Ok() : Status(result.error()));
  return std::move(result).value();
}

template <class T>
T Must(arrow::Result<T> result) { return std::move(result).ValueOrDie(); }

inline void Must(const arrow::Status& status) {
  if (!status.ok()) status.Abort();
}

}  // namespace sluice::bench
