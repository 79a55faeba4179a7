#pragma once
// Every error code with its explanation and remedy, declared once: the terminal, `sluice explain`, the docs and
// exit codes all read it from here. A code is never reused. The entries stand in errors/, one file per area.

#include <span>
#include <string_view>

#include "base/result.h"
#include "observability/errors/config_codes.h"
#include "observability/errors/lake_codes.h"
#include "observability/errors/mapping_codes.h"
#include "observability/errors/platform_codes.h"
#include "observability/errors/replica_codes.h"
#include "observability/errors/source_codes.h"
#include "observability/errors/state_codes.h"
#include "observability/errors/verify_codes.h"

namespace sluice {

enum class ExitCode {
  kOk = 0, kFailed = 1, kUsage = 2, kFindings = 3, kDegraded = 4, kNotFound = 5, kConflict = 6, kRefused = 7,
  kTimedOut = 8, kUnavailable = 69, kNoPermission = 77, kConfig = 78, kInterrupted = 130, kTerminated = 143,
};

struct ErrorEntry {
  int code = 0;            ///< 1xxx config · 2xxx source · 3xxx replica · 4xxx lake · 7xxx verify · 8xxx state · 9xxx platform.
  std::string_view title;  ///< What happened, without the object.
  std::string_view why;
  std::string_view fix;    ///< One remedy per line, safest first.
  ExitCode exit = ExitCode::kFailed;
};

/// Sorted by code.
std::span<const ErrorEntry> AllErrors();

/// nullptr if there is none.
const ErrorEntry* FindError(int code);

/// The entry of error.code, or the general one of its kind.
const ErrorEntry& EntryOf(const Error& error);

}  // namespace sluice
