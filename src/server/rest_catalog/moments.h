#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/catalog.h"

namespace sluice {

/// A table as of a moment of the source.
struct TableAtMoment {
  std::string metadata_location;       ///< Of its metadata now.
  std::optional<int64_t> snapshot_id;  ///< nullopt: it had no rows yet.
  std::string missing;                 ///< Why it cannot be read as of then; empty: it can.
  bool stays = false;                  ///< It is no table of the source: it is read as it is.
};

/// Moments at which all tables can be read together. Thread-safe.
class Moments {
 public:
  virtual ~Moments() = default;

  /// The newest one that the wish allows, as a position in the source's log: "now", a time or an LSN. Error: kNeedsOperator: it is none
  /// of these, or nothing is that old.
  virtual Result<uint64_t> Find(std::string_view wish) = 0;
  /// nullopt: there is no such table.
  virtual Result<std::optional<TableAtMoment>> Load(const TableIdentifier& table, uint64_t moment) = 0;
};

}  // namespace sluice
