#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "server/control_protocol.h"

namespace sluice {

/// Asks the process that listens on `socket_path` and waits for its reply.
/// `wait_max`: between two lines of the answer; absent: for ever.
/// Error: kUnavailable (9101: nobody listens), or the error that the other side replied with.
Result<nlohmann::ordered_json> Ask(const std::string& socket_path, const ControlRequest& request,
                                   std::optional<std::chrono::milliseconds> wait_max,
                                   const std::function<void(const nlohmann::ordered_json&)>& on_progress = nullptr);

}  // namespace sluice
