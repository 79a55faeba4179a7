#pragma once
// Pipelines one after the other, as long as they end only to begin anew.

#include "pipeline/pipeline.h"
#include "pipeline/testing/fake_world.h"

namespace sluice::testing {

inline Status RunAll(const Connector& connector, const PipelineOptions& options, const Clock& clock, StatusBoard& board,
                     CutRequests& cuts, TableRequests& requests, const std::stop_token& stop) {
  for (;;) {
    const Result<PipelineEnd> ended = Pipeline(connector, options, clock, board, cuts, requests).Run(stop);
    if (!ended.ok()) return ended.error();
    if (*ended == PipelineEnd::kDone || stop.stop_requested()) return Ok();
  }
}

/// Until every sink has what is committed now.
inline Status RunUntilCaughtUp(FakeWorld& world, PipelineOptions options = {}) {
  options.until_caught_up = true;
  const Connector connector = world.connector();
  SystemClock clock;
  StatusBoard board("test", "source", {}, clock);
  CutRequests cuts;
  TableRequests requests;
  return RunAll(connector, options, clock, board, cuts, requests, {});
}

}  // namespace sluice::testing
