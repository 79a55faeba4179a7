#pragma once
// Which tables of the source have changed in a way that the stream does not tell, and what is due about them. Pure.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "change/lsn.h"
#include "change/table_definition.h"
#include "pipeline/resume.h"
#include "pipeline/table_requests.h"

namespace sluice {

class TableChanges {
 public:
  /// `tables`: what the source has, read while its log was at `read_at` or before. `acknowledged`: everything before it is
  /// in all sinks. A new copy is due at once. A change of structure is due once all that was written before it was
  /// noticed has arrived, and so is forgetting a copy whose table is gone or no longer followed.
  std::vector<TableRequest> Due(std::span<const SinkState> sinks, const std::vector<TableDefinition>& tables, Lsn read_at, Lsn acknowledged);

  /// Whether Due has noticed something that is not due yet.
  bool waiting() const { return waiting_; }

 private:
  struct Noticed {
    std::string fingerprint;  // Empty: gone.
    Lsn at;
  };

  bool HasPassed(const TableName& table, const std::string& fingerprint, Lsn read_at, Lsn acknowledged);

  std::map<TableName, Noticed> noticed_;
  bool waiting_ = false;
};

}  // namespace sluice
