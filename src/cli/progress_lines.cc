#include "cli/progress_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/terminal.h"
#include "config/printable.h"
#include "config/units.h"

namespace sluice::cli {
namespace {

constexpr double kSpeedWindow = 60;  // Seconds after which a sample has lost most of its weight.
constexpr double kEtaAfter = 10;     // Seconds of data before a guess is worth showing.
constexpr size_t kBarCells = 20;

std::string Cut(const std::string& text, size_t width) {
  if (DisplayWidth(text) <= width) return text;
  std::string cut = text;
  while (!cut.empty() && DisplayWidth(cut) + 1 > width) {
    do cut.pop_back();
    while (!cut.empty() && (static_cast<unsigned char>(cut.back()) & 0xc0) == 0x80);
    // What is left may end in the first byte of a character.
    if (!cut.empty() && (static_cast<unsigned char>(cut.back()) & 0xc0) == 0xc0) cut.pop_back();
  }
  return cut + "…";
}

std::string Padded(const std::string& text, size_t width) {
  const std::string cut = Cut(text, width);
  return cut + std::string(width - std::min(width, DisplayWidth(cut)), ' ');
}

// "148.2M".
std::string ShortCount(double count) {
  if (count >= 1e9) return fmt::format("{:.2f}G", count / 1e9);
  if (count >= 1e7) return fmt::format("{:.1f}M", count / 1e6);
  if (count >= 1e6) return fmt::format("{:.2f}M", count / 1e6);
  return FormatCount(static_cast<uint64_t>(std::max(count, 0.0)));
}

double ShareOf(const TableCopyProgress& table) {
  if (table.bytes_total == 0) return table.state == CopyState::kDone ? 1 : 0;
  return std::min(1.0, static_cast<double>(table.bytes_read) / static_cast<double>(table.bytes_total));
}

std::string TableLine(const TableCopyProgress& table, size_t name_width) {
  std::string line = fmt::format("  {} {}", Padded(Printable(table.table), name_width), Bar(table.state == CopyState::kDone ? 1 : std::min(ShareOf(table), 0.99), kBarCells));
  const std::string rows = ShortCount(static_cast<double>(table.rows_copied));
  switch (table.state) {
    case CopyState::kWaiting: return line + " waiting";
    case CopyState::kDone: return line + fmt::format(" done  {} rows", rows);
    case CopyState::kFinishing: return line + fmt::format("  99%  {} rows  {}  committing…", rows, FormatSize(table.bytes_copied));
    case CopyState::kCopying: break;
  }
  const std::string of = table.rows_estimated >= 0 ? "/" + ShortCount(std::max(table.rows_estimated, static_cast<double>(table.rows_copied))) : "";
  const std::string resumed = table.ranges_kept > 0 ? fmt::format("  resumed: {} of {} ranges kept", table.ranges_kept, table.ranges_total) : "";
  return line + fmt::format(" {:3.0f}%  {}{} rows  {} of {}{}", std::floor(std::min(ShareOf(table), 0.99) * 100), rows, of, FormatSize(table.bytes_read), FormatSize(table.bytes_total), resumed);
}

std::string SinkNames(const PipelineStatus& status) {
  std::string names;
  for (const SinkStatus& sink : status.sinks) names += (names.empty() ? "" : " + ") + Printable(sink.name);
  return names;
}

}  // namespace

void Speed::Sample(double now, uint64_t bytes) {
  if (!started_) {
    started_ = true;
    first_ = last_ = now;
    bytes_ = bytes;
    return;
  }
  const double passed = now - last_;
  if (passed <= 0) return;
  const double present = static_cast<double>(bytes - std::min(bytes, bytes_)) / passed;
  const double weight = first_ == last_ ? 1 : 1 - std::exp(-passed / kSpeedWindow);
  rate_ += weight * (present - rate_);
  last_ = now;
  bytes_ = bytes;
}

std::string Speed::Eta(uint64_t bytes_left) const {
  if (last_ - first_ < kEtaAfter || rate_ < 1) return "–";
  const double left = std::min(static_cast<double>(bytes_left) / rate_, 1e7);
  return FormatDuration(std::chrono::milliseconds(static_cast<int64_t>(left * 1000)));
}

std::string Bar(double share, size_t cells) {
  constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(cells * 8));
  std::string bar = "▕";
  for (size_t cell = 0; cell < cells; ++cell) {
    if ((cell + 1) * 8 <= eighths) bar += "█";
    else if (cell * 8 < eighths) bar += kEighths[eighths % 8];
    else bar += "░";
  }
  return bar + "▏";
}

std::vector<std::string> CopyLines(const PipelineStatus& status, const CopyProgressSnapshot& copy, const Speed& speed, size_t width, size_t lines_max) {
  std::vector<std::string> lines = {fmt::format("Copying {} → {} · consistent at {} · {} of {} tables at once", Printable(status.project), SinkNames(status), ToString(copy.copy_lsn),
                                                copy.count(CopyState::kCopying), copy.tables.size())};
  size_t name_width = 20;
  std::vector<const TableCopyProgress*> running;
  for (const TableCopyProgress& table : copy.tables)
    if (table.state == CopyState::kCopying || table.state == CopyState::kFinishing) running.push_back(&table);
  if (running.size() > lines_max) running.resize(lines_max);
  for (const TableCopyProgress* table : running) name_width = std::max(name_width, std::min<size_t>(DisplayWidth(Printable(table->table)), 40));
  for (const TableCopyProgress* table : running) lines.push_back(TableLine(*table, name_width));
  const uint64_t total = copy.bytes_total(), read = copy.bytes_read();
  const double share = total == 0 ? (copy.finished ? 1 : 0) : static_cast<double>(read) / static_cast<double>(total);
  lines.push_back(fmt::format(" Overall  {} {:2.0f}%  {} of {} · {} done · {} running · {} waiting  {}/s  eta {}", Bar(copy.finished ? 1 : std::min(share, 0.99), kBarCells),
                              std::floor(std::min(share, copy.finished ? 1 : 0.99) * 100), FormatSize(read), FormatSize(total), copy.count(CopyState::kDone),
                              copy.count(CopyState::kCopying) + copy.count(CopyState::kFinishing), copy.count(CopyState::kWaiting),
                              FormatSize(static_cast<uint64_t>(speed.bytes_per_second())), speed.Eta(total - std::min(total, read))));
  for (std::string& line : lines) line = Cut(line, width);
  return lines;
}

std::string FreshnessOf(const SinkStatus& sink) {
  if (!sink.freshness_seconds) return "unknown";
  return FormatDuration(std::chrono::milliseconds(static_cast<int64_t>(*sink.freshness_seconds * 1000)));
}

std::vector<std::string> StreamLines(const PipelineStatus& status, size_t width) {
  std::vector<std::string> lines;
  for (const SinkStatus& sink : status.sinks)
    lines.push_back(fmt::format("  {}  {}  fresh {}  {} rows/s  at {}", Padded(Printable(sink.name), 10), Padded(sink.state, 9), Padded(FreshnessOf(sink), 9),
                                FormatCount(static_cast<uint64_t>(sink.rows_per_second)), ToString(sink.lsn)));
  if (status.slot)
    lines.push_back(fmt::format("  {}  behind {} · retained {}", Padded("slot", 10), FormatSize(status.slot->behind_bytes), FormatSize(status.slot->retained_bytes)));
  for (std::string& line : lines) line = Cut(line, width);
  return lines;
}

}  // namespace sluice::cli
