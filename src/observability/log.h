#pragma once
// One line per fact: level, component, sentence, then fields. Text on a terminal, JSON otherwise, always stderr.
// Values of rows and secrets never enter a line.

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kAuto, kText, kJson };

struct Field {
  std::string_view name;
  std::string value;
};

void Configure(Format format, Level level);

/// Called before each line, on the thread that writes it: whoever draws on the terminal takes the drawing away.
void SetBeforeLine(std::function<void()> before);

/// `event`: the stable name, e.g. "sink.committed". `component`: source, replica, lake, pipeline, config, cli.
/// Thread-safe.
void Write(Level level, std::string_view component, std::string_view event, std::string_view sentence,
           std::initializer_list<Field> fields = {});

inline void Debug(std::string_view component, std::string_view event, std::string_view sentence, std::initializer_list<Field> fields = {}) { Write(Level::kDebug, component, event, sentence, fields); }
inline void Info(std::string_view component, std::string_view event, std::string_view sentence, std::initializer_list<Field> fields = {}) { Write(Level::kInfo, component, event, sentence, fields); }
inline void Warn(std::string_view component, std::string_view event, std::string_view sentence, std::initializer_list<Field> fields = {}) { Write(Level::kWarn, component, event, sentence, fields); }
inline void Error(std::string_view component, std::string_view event, std::string_view sentence, std::initializer_list<Field> fields = {}) { Write(Level::kError, component, event, sentence, fields); }

}  // namespace sluice::log
