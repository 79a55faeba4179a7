#include "coverage.h"

#include <string_view>

#include "trace.h"

namespace sluice::simulator {
namespace {

constexpr std::string_view kNames[] = {
#define EVENT(name, text) text,
    SIMULATOR_EVENTS(EVENT)
#undef EVENT
};

std::vector<uint64_t>& Mutable() {
  static std::vector<uint64_t> counts(static_cast<size_t>(Event::kEnd));
  return counts;
}

}  // namespace

void Count(Event event) {
  ++Mutable()[static_cast<size_t>(event)];
  NoteEvent(static_cast<uint64_t>(event));
}

std::string_view NameOf(Event event) { return kNames[static_cast<size_t>(event)]; }
const std::vector<uint64_t>& Counts() { return Mutable(); }

void RestoreCounts(std::vector<uint64_t> counts) { Mutable() = std::move(counts); }

std::vector<Event> NeverHappened() {
  std::vector<Event> never;
  for (size_t i = 0; i < Counts().size(); ++i)
    if (Counts()[i] == 0) never.push_back(static_cast<Event>(i));
  return never;
}

}  // namespace sluice::simulator
