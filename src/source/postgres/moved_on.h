#pragma once
// Statements about tables of a catalog that was read a moment before.

#include "base/result.h"

namespace sluice {

/// Whether a table, its schema, a partition, a column or its kind was dropped or changed since: reading the catalog again helps.
inline bool CatalogMovedOn(const Error& error) {
  for (const char* const state : {"42P01", "3F000", "42703", "42704", "42809"})
    if (error.sql_state == state) return true;
  return false;
}

}  // namespace sluice
