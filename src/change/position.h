#pragma once

#include <cstdint>
#include <string>

#include "change/lsn.h"

namespace sluice {

/// Which log an LSN belongs to: a bare LSN means nothing.
struct LogIdentity {
  uint64_t system_identifier = 0;
  uint32_t timeline = 0;
  std::string database;
  std::string slot;

  bool operator==(const LogIdentity&) const = default;
};

/// How far somebody has come in one log: every transaction whose end is at or before `lsn`, and none after.
struct Position {
  LogIdentity log;
  Lsn lsn;

  bool operator==(const Position&) const = default;
};

}  // namespace sluice
