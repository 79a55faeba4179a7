#pragma once
// Shows what a run does: redrawn lines on a terminal, single log lines elsewhere.

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/progress_lines.h"
#include "pipeline/status_board.h"

namespace sluice::cli {

class ProgressView {
 public:
  /// `redraw`: lines on stderr are drawn over; else progress is logged. `board` must outlive it.
  ProgressView(StatusBoard& board, bool redraw);
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

 private:
  void Run(std::stop_token stop);
  void Show();
  void Draw(const std::vector<std::string>& lines);
  void Erase();
  void LogCopy(const CopyProgressSnapshot& copy);
  void LogStream(const PipelineStatus& status);

  StatusBoard& board_;
  const bool redraw_;
  Speed speed_;
  Lsn copy_lsn_;                                          // Of the copy that is being shown.
  std::map<std::string, int> logged_quarters_;            // Per large table.
  std::chrono::steady_clock::time_point copy_logged_{};
  std::chrono::steady_clock::time_point stream_logged_{};

  std::mutex mutex_;  // Guards everything below: log lines of all threads erase the drawing.
  size_t drawn_ = 0;

  std::jthread thread_;
};

}  // namespace sluice::cli
