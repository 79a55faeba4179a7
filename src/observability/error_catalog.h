#pragma once
// Every error code with its explanation and remedy, declared once: the terminal, `sluice explain`, the docs and
// exit codes all read it from here. A code is never reused.

#include <span>
#include <string_view>

#include "base/result.h"

namespace sluice {

enum class ExitCode {
  kOk = 0, kFailed = 1, kUsage = 2, kFindings = 3, kDegraded = 4, kNotFound = 5, kConflict = 6, kRefused = 7,
  kTimedOut = 8, kUnavailable = 69, kNoPermission = 77, kConfig = 78, kInterrupted = 130,
};

struct ErrorEntry {
  int code;                ///< 1xxx config · 2xxx source · 3xxx replica · 4xxx lake · 7xxx verify · 8xxx state · 9xxx platform.
  std::string_view title;  ///< What happened, without the object.
  std::string_view why;
  std::string_view fix;    ///< One remedy per line, safest first.
  ExitCode exit;
};

std::span<const ErrorEntry> AllErrors();

/// The entry of error.code, or the general one of its kind.
const ErrorEntry& EntryOf(const Error& error);

// Codes that code outside this file names.
namespace slu {
inline constexpr int kGeneralUnavailable = 9001, kGeneralConflict = 9002, kGeneralUnknown = 9003, kGeneralOperator = 9004,
                     kGeneralSourceLost = 9005, kGeneralCorrupt = 9006, kGeneralCancelled = 9007;
}  // namespace slu

}  // namespace sluice
