#pragma once
// What the running process answers.

#include <functional>
#include <string>
#include <vector>

#include "pipeline/status_board.h"
#include "pipeline/repair.h"
#include "pipeline/table_requests.h"
#include "server/control_server.h"

namespace sluice {

struct ControlCommands {
  const StatusBoard* board = nullptr;
  std::function<Result<VerifyReport>(const VerifyOptions&, const VerifyObserver&, std::stop_token)> verify;
  std::function<Result<RepairReport>(const VerifyOptions&, bool dry_run, const VerifyObserver&, std::stop_token)> repair;
  std::function<void()> stop;
  TableRequests* table_requests = nullptr;
  /// Of `lake`: work on the lake. May be absent.
  std::function<Result<nlohmann::ordered_json>(const ControlRequest&, const ControlServer::Progress&, std::stop_token)> lake = {};
};

/// status → sluice.status/v1, tables → sluice.tables/v1, bookmarks → sluice.bookmarks/v1, verify →
/// sluice.verify/v1, repair → sluice.verify.repair/v1 (both with progress {"table", "tables_done", "tables_total"}), resync and
/// skip → {"tables": […]} once it is carried out, lake → what its handler answers, stop → {"stopping": true}.
ControlServer::Handler Answer(ControlCommands commands);

}  // namespace sluice
