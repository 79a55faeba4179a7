#pragma once
// An error as people read it, and as programs do.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "config/config_loader.h"
#include "observability/error_catalog.h"

namespace sluice::cli {

/// What happened, the evidence, why, fix, and where to read more.
std::string RenderError(const Error& error, bool color);

/// The same as an object of schema sluice.error/v1.
nlohmann::ordered_json ErrorToJson(const Error& error);

/// All mistakes of a configuration, then one line that counts them.
std::string RenderMistakes(const LoadedConfig& loaded, bool color);

/// An object of schema sluice.error/v1 with one entry per mistake.
nlohmann::ordered_json MistakesToJson(const LoadedConfig& loaded);

/// What the process ends with.
ExitCode ExitCodeOf(const Error& error);

}  // namespace sluice::cli
