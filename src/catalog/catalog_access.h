#pragma once

namespace sluice {

/// kRead: opening makes nothing, and the database itself refuses changes.
enum class CatalogAccess { kRead, kWrite };

}  // namespace sluice
