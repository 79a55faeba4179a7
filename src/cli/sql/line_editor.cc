#include "cli/sql/line_editor.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/file_descriptor.h"

namespace sluice::cli {
namespace {

constexpr int kHistoryMax = 1000;

}  // namespace

LineEditor::LineEditor(std::string history_file) : history_file_(std::move(history_file)), history_(history_init()), editor_(el_init("sluice", stdin, stdout, stderr)) {
  HistEvent event;
  history(history_.get(), &event, H_SETSIZE, kHistoryMax);
  history(history_.get(), &event, H_SETUNIQUE, 1);
  if (!history_file_.empty()) {
    // A query may quote what is not for everybody.
    const FileDescriptor made(open(history_file_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    history(history_.get(), &event, H_LOAD, history_file_.c_str());
  }
  el_set(editor_.get(), EL_CLIENTDATA, this);
  el_set(editor_.get(), EL_PROMPT, &LineEditor::Prompt);
  el_set(editor_.get(), EL_EDITOR, "emacs");
  el_set(editor_.get(), EL_HIST, history, history_.get());
  el_set(editor_.get(), EL_SIGNAL, 0);
}

char* LineEditor::Prompt(EditLine* editor) {
  void* self = nullptr;
  el_get(editor, EL_CLIENTDATA, &self);
  return static_cast<LineEditor*>(self)->prompt_.data();
}

LineEditor::Read LineEditor::ReadLine(const std::string& prompt, std::string& line) {
  prompt_ = prompt;
  el_set(editor_.get(), EL_PREP_TERM, 1);  // Before the prompt is seen: a Ctrl-D that the terminal still takes for itself would be lost.
  int length = 0;
  errno = 0;
  const char* const read = el_gets(editor_.get(), &length);
  if (read == nullptr || length <= 0) {
    const bool interrupted = errno == EINTR;
    el_reset(editor_.get());
    return interrupted ? Read::kInterrupted : Read::kEnd;
  }
  line.assign(read, static_cast<size_t>(length));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return Read::kLine;
}

void LineEditor::Remember(const std::string& text) {
  HistEvent event;
  std::string one_line = text;
  std::replace(one_line.begin(), one_line.end(), '\n', ' ');
  history(history_.get(), &event, H_ENTER, one_line.c_str());
  if (!history_file_.empty()) history(history_.get(), &event, H_SAVE, history_file_.c_str());
}

std::string SqlHistoryFile() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  if ((state == nullptr || *state != '/') && (home == nullptr || *home != '/')) return "";
  const std::filesystem::path folder = (state != nullptr && *state == '/' ? std::filesystem::path(state) : std::filesystem::path(home) / ".local/state") / "sluice";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? "" : (folder / "sql_history").string();
}

}  // namespace sluice::cli
