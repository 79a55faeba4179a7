#pragma once
// Pipelines one after the other, as long as they end only to begin anew.

#include "pipeline/pipeline.h"

namespace sluice::testing {

inline Status RunAll(const Connector& connector, const PipelineOptions& options, const Clock& clock, StatusBoard& board,
                     CutRequests& cuts, TableRequests& requests, const std::stop_token& stop) {
  for (;;) {
    const Result<PipelineEnd> ended = Pipeline(connector, options, clock, board, cuts, requests).Run(stop);
    if (!ended.ok()) return ended.error();
    if (*ended == PipelineEnd::kDone || stop.stop_requested()) return Ok();
  }
}

}  // namespace sluice::testing
