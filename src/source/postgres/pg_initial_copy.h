#pragma once
// The rows as of one exported snapshot, read with COPY in ranges of heap blocks by any number of connections.

#include <memory>
#include <string>
#include <vector>

#include "postgres/connection.h"
#include "source/initial_copy.h"
#include "source/postgres/replication_connection.h"

namespace sluice {

class PgInitialCopy final : public InitialCopy {
 public:
  /// `exporter`: the session that made `slot`; kept open and idle, since the snapshot ends with it.
  /// Error: kNeedsOperator (2401) where a second connection does not find the snapshot.
  static Result<std::unique_ptr<PgInitialCopy>> Open(std::string dsn, ReplicationConnection exporter, const CreatedSlot& slot);

  Lsn snapshot_lsn() const override { return slot_.consistent_point; }
  std::vector<CopyRange> Plan(const std::vector<TableDefinition>& tables, uint64_t range_bytes_target) const override;
  Result<std::unique_ptr<Reader>> Open() override;
  Status ReadSequenceValues(std::vector<TableDefinition>& tables) override;

 private:
  PgInitialCopy(std::string dsn, ReplicationConnection exporter, CreatedSlot slot, PgConnection anchor, std::string seen)
      : dsn_(std::move(dsn)), slot_(std::move(slot)), seen_(std::move(seen)), exporter_(std::move(exporter)), anchor_(std::move(anchor)) {}

  const std::string dsn_;
  const CreatedSlot slot_;
  const std::string seen_;  ///< pg_current_snapshot() under the exported snapshot: every reader must see the same.
  ReplicationConnection exporter_;
  PgConnection anchor_;     ///< The first to import it; never used again.
};

/// Ranges of about `range_bytes_target`, TOAST included, of all leaves; the largest table first. Pure.
std::vector<CopyRange> PlanRanges(const std::vector<TableDefinition>& tables, uint64_t range_bytes_target);

/// The COPY statement of one range. Columns without a binary form are read as text. Pure.
std::string CopyCommand(const TableSchema& schema, const TableName& leaf, const CopyRange& range);

}  // namespace sluice
