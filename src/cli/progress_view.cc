#include "cli/progress_view.h"

#include <fmt/format.h>

#include "base/pause.h"
#include "cli/terminal.h"
#include "config/printable.h"
#include "config/units.h"
#include "observability/log.h"

namespace sluice::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRedrawEvery{200};
constexpr std::chrono::seconds kCopyLoggedEvery{30};
constexpr std::chrono::seconds kStreamLoggedEvery{60};
constexpr uint64_t kOwnLinesAbove = 256ull << 20;  // Smaller tables are told by the overall line.
constexpr size_t kTablesShownMax = 12;

double Seconds(steady_clock::time_point at) { return std::chrono::duration<double>(at.time_since_epoch()).count(); }

}  // namespace

ProgressView::ProgressView(StatusBoard& board, bool redraw) : board_(board), redraw_(redraw) {
  if (redraw_) log::SetBeforeLine([this] { Erase(); });
  stream_logged_ = steady_clock::now();
  thread_ = std::jthread([this](std::stop_token stop) { Run(std::move(stop)); });
}

ProgressView::~ProgressView() {
  thread_.request_stop();
  thread_.join();
  if (!redraw_) return;
  log::SetBeforeLine(nullptr);
  Erase();
}

void ProgressView::Run(std::stop_token stop) {
  for (Pause(kRedrawEvery, stop); !stop.stop_requested(); Pause(kRedrawEvery, stop)) Show();
}

void ProgressView::Show() {
  const PipelineStatus status = board_.Snapshot();
  const CopyProgressSnapshot copy = board_.copy_progress().Snapshot();
  if (status.state == PipelineState::kCopying) {
    if (copy.copy_lsn != copy_lsn_) speed_ = Speed(), copy_lsn_ = copy.copy_lsn, logged_quarters_.clear();
    speed_.Sample(Seconds(steady_clock::now()), copy.bytes_read());
    if (redraw_) Draw(CopyLines(status, copy, speed_, TerminalWidth() - 1, kTablesShownMax));
    else LogCopy(copy);
  }
  if (status.state == PipelineState::kStreaming) {
    if (redraw_) Draw(StreamLines(status, TerminalWidth() - 1));
    else LogStream(status);
  }
}

void ProgressView::Draw(const std::vector<std::string>& lines) {
  const std::lock_guard lock(mutex_);
  std::string out;
  if (drawn_ > 0) out += fmt::format("\x1b[{}A", drawn_);
  for (const std::string& line : lines) out += line + "\x1b[K\n";
  out += "\x1b[J";  // What a longer drawing left below.
  drawn_ = lines.size();
  PrintTalk(out);
}

void ProgressView::Erase() {
  const std::lock_guard lock(mutex_);
  if (drawn_ > 0) PrintTalk(fmt::format("\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
}

void ProgressView::LogCopy(const CopyProgressSnapshot& copy) {
  for (const TableCopyProgress& table : copy.tables) {
    if (table.bytes_total < kOwnLinesAbove || table.state == CopyState::kWaiting) continue;
    const int percent = table.state == CopyState::kDone ? 100 : static_cast<int>(std::min(table.bytes_read, table.bytes_total - 1) * 100 / table.bytes_total);
    const auto [logged, first] = logged_quarters_.try_emplace(table.table, -1);
    if (percent / 25 <= logged->second) continue;
    logged->second = percent / 25;
    log::Info("pipeline", "snapshot.progress", "initial copy of a table", {{"table", table.table}, {"pct", std::to_string(percent)}, {"rows", std::to_string(table.rows_copied)}, {"bytes", std::to_string(table.bytes_read)}});
  }
  if (copy_logged_.time_since_epoch().count() != 0 && steady_clock::now() - copy_logged_ < kCopyLoggedEvery) return;
  copy_logged_ = steady_clock::now();
  const uint64_t total = copy.bytes_total(), read = copy.bytes_read();
  log::Info("pipeline", "snapshot.progress", "initial copy",
            {{"tables_done", fmt::format("{}/{}", copy.count(CopyState::kDone), copy.tables.size())}, {"bytes", std::to_string(read)}, {"bytes_total", std::to_string(total)},
             {"rate_bps", fmt::format("{:.0f}", speed_.bytes_per_second())}, {"eta", speed_.Eta(total - std::min(total, read))}});
}

void ProgressView::LogStream(const PipelineStatus& status) {
  if (steady_clock::now() - stream_logged_ < kStreamLoggedEvery) return;
  stream_logged_ = steady_clock::now();
  for (const SinkStatus& sink : status.sinks)
    log::Info("pipeline", "sink.summary", "following the source", {{"sink", sink.name}, {"freshness", FreshnessOf(sink)}, {"lsn", ToString(sink.lsn)}, {"rows_total", std::to_string(sink.rows_total)}});
}

}  // namespace sluice::cli
