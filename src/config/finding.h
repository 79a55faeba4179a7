#pragma once
// One line of `sluice check`: what was looked at, what is there, what should be, and how to get there.

#include <string>
#include <vector>

namespace sluice {

enum class Severity { kOk, kInfo, kWarn, kFail };  // kFail: sluice would not start, or would do harm.

struct Finding {
  std::string id;      ///< Stable: Cxxx configuration, Sxxx source, Txxx target, Lxxx lake.
  Severity severity = Severity::kOk;
  std::string object;  ///< What it is about, e.g. "wal_level" or "public.audit_note".
  std::string found;   ///< What is there, in words; the whole line of an "ok".
  std::string wanted = {};  ///< What should be there; empty where the severity is kOk or kInfo.
  std::string fix = {};     ///< SQL or a command that can be copied, one per line; empty: nothing to do.
  std::string alike = {};   ///< What to say of all findings together that have the same here; empty: each by itself.
};

using Findings = std::vector<Finding>;

}  // namespace sluice
