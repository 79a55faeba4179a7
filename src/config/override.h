#pragma once

#include <string>

#include "config/mistake.h"
#include "config/yaml_document.h"

namespace sluice {

/// Puts -X path=value into the tree, where the value is YAML and keys that hold dots are found as they stand.
/// `text_index`: of the override among the texts, for the places of its mistakes.
void ApplyOverride(const std::string& override_text, size_t text_index, YamlNode& root, ConfigMistakes& mistakes);

}  // namespace sluice
