#pragma once
// Copies tables while the others stream. The changes of these tables since the snapshot are not lost: nothing beyond
// it is acknowledged until the copy is recorded, and then the stream is read again from there, for them alone.
// Where a copy was interrupted, its first snapshot counts.

#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

#include "pipeline/initial_copy_run.h"
#include "pipeline/pipeline.h"

namespace sluice {

/// What one sink misses, of tables that are published.
struct MissingTables {
  Sink* sink = nullptr;
  std::vector<SourceTable> tables;
};

class CopyBeside {
 public:
  struct Hooks {
    std::function<void(Lsn)> keep_from;       ///< Acknowledge nothing beyond it.
    std::function<void(Status)> ended;        ///< The last call: Ok once all is recorded.
  };
  /// What the sinks keep of copies that were interrupted.
  struct Interrupted {
    Lsn from;                                 ///< The oldest snapshot of them. Unset: nothing is kept.
    TouchedKeys* touched = nullptr;           ///< Fed by the stream from there on.
  };

  /// Starts at once. `sinks` are those of the stream; each is opened beside itself.
  CopyBeside(const Connector& connector, const PipelineOptions& options, std::vector<MissingTables> missing,
             Interrupted interrupted, CopyProgress& progress, Hooks hooks);
  /// Stops and waits.
  ~CopyBeside() = default;
  CopyBeside(const CopyBeside&) = delete;
  CopyBeside& operator=(const CopyBeside&) = delete;

 private:
  Status Run(const std::stop_token& stop);
  Status CopyOnce(Source& source, const std::vector<MissingTables>& missing, bool goes_on, bool hold, const std::stop_token& stop);
  Result<std::vector<TableDefinition>> ToHold(Source& source, const std::vector<MissingTables>& missing) const;
  Result<std::unique_ptr<InitialCopy>> Export(Source& source, const std::stop_token& stop);

  const Connector& connector_;
  const PipelineOptions& options_;
  const std::vector<MissingTables> missing_;
  const Interrupted interrupted_;
  CopyProgress& progress_;
  const Hooks hooks_;
  std::jthread thread_;  // Last: stops before what it uses goes.
};

/// The limits that the configuration sets, over `source`, which must outlive it and is used by nobody else meanwhile.
CopyGuard GuardOf(const CopyConfig& copy, Source& source);

/// The run that brings each sink what it misses, of tables that the source still has. One that was made anew under its
/// name meanwhile is left to the next start: until then nothing publishes its changes.
InitialCopyRun PlanCopy(const std::vector<TableDefinition>& tables, const std::vector<MissingTables>& missing,
                        const PipelineOptions& options);

}  // namespace sluice
