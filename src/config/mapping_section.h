#pragma once
// The field `map` of a sink.

#include "config/field_reader.h"
#include "config/mapping_config.h"

namespace sluice {

/// Reads `map` of a sink's fields: a list of mappings of a table or of a namespace.
void ReadMapping(FieldReader& sink, MappingConfig& mapping);

}  // namespace sluice
