#include "trace.h"

#include <cstdio>
#include <deque>

#include "observability/log.h"
#include "scheduler.h"

namespace sluice::simulator {
namespace {

constexpr size_t kLinesKept = 30;

std::deque<std::string>& Lines() {
  static std::deque<std::string> lines;
  return lines;
}

// The program's own log: printed in a trace, else kept for the report of a failure. Always written, so that a trace goes
// the same way as the run that it repeats.
ssize_t TakeLog(void*, const char* text, size_t size) {
  if (tracing) {
    TraceLine("log: " + std::string(text, size > 0 && text[size - 1] == '\n' ? size - 1 : size));
  } else {
    Lines().emplace_back(text, size);
    if (Lines().size() > kLinesKept) Lines().pop_front();
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

bool tracing = false;

void NoteEvent(uint64_t event) {
  if (Scheduler* const scheduler = Scheduler::Current()) scheduler->Note(event + 7777);
}

void TraceLine(const std::string& line) {
  const Scheduler* const scheduler = Scheduler::Current();
  const double now = scheduler == nullptr ? 0 : static_cast<double>(scheduler->now()) / kSecond;
  fmt::print("{:12.6f} {:>3} {}\n", now, scheduler == nullptr ? 0 : scheduler->self(), line);
}

void CollectLog() {
  log::Configure(log::Format::kText, log::Level::kInfo);
  FILE* const collector = ::fopencookie(nullptr, "w", {nullptr, TakeLog, nullptr, nullptr});
  ::setvbuf(collector, nullptr, _IONBF, 0);
  stderr = collector;
}

std::string LastLogLines() {
  std::string text;
  for (const std::string& line : Lines()) text += "  " + line;
  return text;
}

}  // namespace sluice::simulator
