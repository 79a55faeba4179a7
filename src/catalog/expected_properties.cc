#include "catalog/expected_properties.h"

#include <fmt/format.h>

#include "observability/error_catalog.h"

namespace sluice {

Status CheckExpected(const NamespaceUpdate& update, const iceberg::Properties& current) {
  for (const auto& [key, expected] : update.expected) {
    const auto found = current.find(key);
    const bool holds = found == current.end() ? !expected : expected == found->second;
    if (!holds) return Error{ErrorKind::kConflict, fmt::format("property {} of namespace '{}' has changed", key, update.name_space), slu::kCatalogConflict};
  }
  return Ok();
}

}  // namespace sluice
