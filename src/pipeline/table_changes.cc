#include "pipeline/table_changes.h"

#include "change/table_fingerprint.h"

namespace sluice {

bool TableChanges::HasPassed(const TableName& table, const std::string& fingerprint, Lsn read_at, Lsn acknowledged) {
  const auto found = noticed_.find(table);
  const bool anew = found == noticed_.end() || found->second.fingerprint != fingerprint;
  if (anew) noticed_.insert_or_assign(table, Noticed{fingerprint, read_at});
  const bool passed = acknowledged >= (anew ? read_at : found->second.at);
  waiting_ |= !passed;
  return passed;
}

std::vector<TableRequest> TableChanges::Due(std::span<const SinkState> sinks, const std::vector<TableDefinition>& tables, Lsn read_at, Lsn acknowledged) {
  std::map<TableName, const TableDefinition*> by_name;
  for (const TableDefinition& table : tables) by_name.emplace(table.schema->name, &table);
  std::vector<TableRequest> due;
  waiting_ = false;
  for (const SinkState& sink : sinks) {
    for (const auto& [name, copied] : sink.copied) {
      const auto found = by_name.find(name);
      if (found == by_name.end()) {
        if (HasPassed(name, "", read_at, acknowledged)) due.push_back({TableRequest::Kind::kCopyAgain, name, sink.name});
        continue;
      }
      const TableDefinition& table = *found->second;
      if (table.schema->oid != copied.oid) continue;  // Another table under its name: copied anyway.
      const TableChange change = CompareFingerprints(copied.fingerprint, table);
      if (change == TableChange::kCopyAgain) due.push_back({TableRequest::Kind::kCopyAgain, name, sink.name});
      if (change != TableChange::kFollow) continue;
      std::string fingerprint = ToText(table.fingerprint);
      if (HasPassed(name, fingerprint, read_at, acknowledged)) due.push_back({TableRequest::Kind::kFollow, name, sink.name, {}, false, std::move(fingerprint)});
    }
  }
  return due;
}

}  // namespace sluice
