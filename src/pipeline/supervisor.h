#pragma once
// Starts the pipeline again after a failure, by one table from the kind of error to what to do.

#include <chrono>
#include <functional>
#include <stop_token>

#include "base/result.h"
#include "pipeline/status_board.h"

namespace sluice {

struct RetryPolicy {
  int attempts_max = 0;                       ///< 0: stop at once.
  std::chrono::milliseconds first_delay{0};   ///< Doubles with each attempt.
  std::chrono::milliseconds delay_max{0};
};

/// The table.
RetryPolicy PolicyFor(ErrorKind kind);

/// Before attempt number `attempt` (1, 2, …).
std::chrono::milliseconds RetryDelay(const RetryPolicy& policy, int attempt);

struct RunOutcome {
  Status status;
  bool made_progress = false;  ///< Then the count of attempts starts again.
  bool again = false;          ///< With an Ok status: it ended only to begin anew.
};

class Supervisor {
 public:
  /// Waits up to `time`, or until a stop is asked for.
  using Wait = std::function<void(std::chrono::milliseconds time, std::stop_token stop)>;

  explicit Supervisor(StatusBoard& board, Wait wait = nullptr);

  /// Runs until a run succeeds, an error that retrying does not mend, or too many attempts without progress.
  /// A request to stop ends it with Ok.
  Status Run(const std::function<RunOutcome(std::stop_token)>& run_once, std::stop_token stop);

 private:
  StatusBoard& board_;
  const Wait wait_;
};

}  // namespace sluice
