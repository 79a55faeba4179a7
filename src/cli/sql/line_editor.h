#pragma once
// Lines from a terminal, with editing and a history that outlives the session.

#include <histedit.h>

#include <memory>
#include <string>

#include "base/free_with.h"

namespace sluice::cli {

class LineEditor {
 public:
  /// `history_file`: read now, written with each line that is remembered; empty: none. Others cannot read it.
  explicit LineEditor(std::string history_file);

  enum class Read { kLine, kEnd, kInterrupted };
  /// `line` without its newline. kInterrupted: a signal came.
  Read ReadLine(const std::string& prompt, std::string& line);

  void Remember(const std::string& text);

 private:
  static char* Prompt(EditLine* editor);

  const std::string history_file_;
  std::string prompt_;
  std::unique_ptr<History, FreeWith<history_end>> history_;
  std::unique_ptr<EditLine, FreeWith<el_end>> editor_;
};

/// Below $XDG_STATE_HOME, with its folder made; empty where there is no home.
std::string SqlHistoryFile();

}  // namespace sluice::cli
