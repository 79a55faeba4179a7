#pragma once

#include "base/result.h"
#include "catalog/catalog.h"

namespace sluice {

/// Whether the namespace, whose properties are `current`, is as the update expects it. Error: kConflict (4020), naming the property that isn't.
Status CheckExpected(const NamespaceUpdate& update, const iceberg::Properties& current);

}  // namespace sluice
