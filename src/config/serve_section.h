#pragma once
// The section `serve`: what other programs may ask this one over HTTP.

#include "config/config.h"
#include "config/field_reader.h"

namespace sluice {

/// `folder`: relative paths start there. `has_mistakes`: the sections before have some, so that a lake may be missing for one.
void ReadServe(FieldReader& serve, const std::string& folder, bool has_mistakes, Config& config);

}  // namespace sluice
