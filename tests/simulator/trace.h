#pragma once
// What happened, step by step: always mixed into the hash by which two runs are compared, printed with --trace.

#include <fmt/format.h>

#include <string>

namespace sluice::simulator {

extern bool tracing;

/// Into the hash alone.
void NoteEvent(uint64_t event);
/// A line with the virtual time and the fiber.
void TraceLine(const std::string& line);
/// From now on the program's log goes into the trace, or is kept for a report.
void CollectLog();
std::string LastLogLines();

template <class... Arguments>
void Trace(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (tracing) TraceLine(fmt::format(format, std::forward<Arguments>(arguments)...));
}

}  // namespace sluice::simulator
