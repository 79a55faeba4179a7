#pragma once

#include <string_view>

#include "observability/error_catalog.h"

namespace sluice::cli {

/// "ok", "config": the words of the manual.
std::string_view NameOf(ExitCode code);

/// The page of `sluice help exit-codes`.
std::string_view ExitCodesTopic();

}  // namespace sluice::cli
