#include "base/failpoint.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

// The linker defines these two around the section that SLUICE_FAILPOINT fills; weak: there may be none.
extern "C" const char* const __start_sluice_failpoints[] __attribute__((weak));  // NOLINT
extern "C" const char* const __stop_sluice_failpoints[] __attribute__((weak));   // NOLINT

namespace sluice::failpoint {
namespace {

struct Armed {
  std::string action;
  uint64_t at_hit = 1;
  uint64_t hits = 0;
};

std::mutex mutex;  // Guards the map.
std::map<std::string, Armed, std::less<>>& Table() {
  static auto* table = new std::map<std::string, Armed, std::less<>>;
  return *table;
}

Error Misspelt(std::string message) {
  return Error{ErrorKind::kNeedsOperator, "SLUICE_FAILPOINTS: " + std::move(message)};
}

bool IsAction(std::string_view word) {
  return word == "kill" || word == "error" || word == "unknown" || word == "delay";
}

}  // namespace

std::atomic<bool> armed{false};

std::vector<std::string_view> All() {
  std::vector<std::string_view> names(__start_sluice_failpoints, __stop_sluice_failpoints);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Status Arm(std::string_view specification) {
  std::map<std::string, Armed, std::less<>> table;
  const std::vector<std::string_view> known = All();
  while (!specification.empty()) {
    const size_t comma = specification.find(',');
    std::string_view item = specification.substr(0, comma);
    specification = comma == std::string_view::npos ? "" : specification.substr(comma + 1);
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) return Misspelt("no action in " + std::string(item));
    const std::string_view name = item.substr(0, equals);
    std::string_view action = item.substr(equals + 1);
    Armed entry;
    if (const size_t colon = action.find(':'); colon != std::string_view::npos) {
      const std::string_view number = action.substr(colon + 1);
      const auto parsed = std::from_chars(number.data(), number.data() + number.size(), entry.at_hit);
      if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || entry.at_hit == 0)
        return Misspelt("bad hit number in " + std::string(item));
      action = action.substr(0, colon);
    }
    if (!IsAction(action)) return Misspelt("unknown action in " + std::string(item));
    if (!std::binary_search(known.begin(), known.end(), name))
      return Misspelt("no failpoint named " + std::string(name));
    entry.action = action;
    table[std::string(name)] = entry;
  }
  const std::lock_guard lock(mutex);
  Table() = std::move(table);
  armed.store(!Table().empty());
  return Ok();
}

Status Hit(std::string_view name) {
  std::string action;
  {
    const std::lock_guard lock(mutex);
    const auto found = Table().find(name);
    if (found == Table().end() || ++found->second.hits != found->second.at_hit) return Ok();
    action = found->second.action;
  }
  if (action == "kill") std::raise(SIGKILL);
  if (action == "delay") std::this_thread::sleep_for(std::chrono::milliseconds(200));
  if (action == "error")
    return Error{ErrorKind::kUnavailable, "failpoint " + std::string(name)};
  if (action == "unknown")
    return Error{ErrorKind::kOutcomeUnknown, "failpoint " + std::string(name)};
  return Ok();
}

}  // namespace sluice::failpoint
