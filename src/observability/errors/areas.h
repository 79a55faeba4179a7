#pragma once
// The tables of errors, one file per area; error_catalog.cc joins them.
//
// To add an error: a constant in <area>_codes.h, an entry with why and fix in <area>.cc. Tests hold that both exist.

#include <span>

#include "observability/error_catalog.h"

namespace sluice::errors {

std::span<const ErrorEntry> Config();    // 1xxx
std::span<const ErrorEntry> Mapping();   // 12xx
std::span<const ErrorEntry> Source();    // 2xxx
std::span<const ErrorEntry> Replica();   // 3xxx
std::span<const ErrorEntry> Lake();      // 4xxx
std::span<const ErrorEntry> Verify();    // 7xxx
std::span<const ErrorEntry> State();     // 8xxx
std::span<const ErrorEntry> Platform();  // 9xxx

}  // namespace sluice::errors
