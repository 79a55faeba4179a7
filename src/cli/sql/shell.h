#pragma once
// Takes statements from a text or a terminal, runs them one after the other, and writes what they give.

#include <functional>
#include <string>

#include "cli/invocation.h"
#include "cli/sql/cut_session.h"

namespace sluice::cli {

struct SqlShell {
  Invocation& invocation;
  QuerySignals& signals;
  ResultFormat format;
  CutSession session;
  std::function<Result<CutSession>()> reopen;  ///< At the same wish, as it is granted now.

  void SayBanner() const;

  /// All statements of a text; the last needs no semicolon. Ends at the first that fails. Error: of that one; kCancelled after a signal.
  Status RunText(const std::string& text);

  /// Until the end of the input. What fails is said, and the next line read.
  ExitCode RunTerminal();

 private:
  Status RunOne(const std::string& statement);
  Status RunCommand(const std::string& line, bool& quit);
  void Say(const Status& status) const;
};

}  // namespace sluice::cli
