#include "observability/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

namespace sluice::log {
namespace {

std::atomic<bool> as_json{false};
std::atomic<Level> lowest{Level::kInfo};
std::mutex output;  // One line at a time. Guards the next one too.
std::function<void()> before_line;

constexpr std::string_view kUpper[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
constexpr std::string_view kLower[] = {"debug", "info", "warn", "error"};

// A newline or escape sequence in a name must not forge a line or drive the terminal.
std::string Printable(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) clean += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else clean += c;
  }
  return clean;
}

}  // namespace

void Configure(Format format, Level level) {
  as_json = format == Format::kJson || (format == Format::kAuto && isatty(STDERR_FILENO) == 0);
  lowest = level;
}

void SetBeforeLine(std::function<void()> before) {
  const std::lock_guard lock(output);
  before_line = std::move(before);
}

void Write(Level level, std::string_view component, std::string_view event, std::string_view sentence,
           std::initializer_list<Field> fields) {
  if (level < lowest.load()) return;
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto ms = now.time_since_epoch().count() % 1000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::string line;
  if (as_json) {
    nlohmann::ordered_json record;
    record["ts"] = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), ms);
    record["level"] = kLower[static_cast<size_t>(level)];
    record["event"] = event;
    record["component"] = component;
    record["msg"] = sentence;
    for (const Field& field : fields) record[std::string(field.name)] = field.value;
    line = record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  } else {
    line = fmt::format("{:%H:%M:%S}.{:03} {} {:<9} {}", fmt::gmtime(seconds), ms, kUpper[static_cast<size_t>(level)],
                       component, Printable(sentence));
    line += fmt::format("  event={}", event);
    for (const Field& field : fields) line += fmt::format(" {}={}", field.name, Printable(field.value));
  }
  line += '\n';
  const std::lock_guard lock(output);
  if (before_line) before_line();
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace sluice::log
