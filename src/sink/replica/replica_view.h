#pragma once

#include <memory>
#include <string>

#include "sink/replica/session.h"
#include "sink/sink.h"

namespace sluice {

/// The replica as of one moment, on its own connection and snapshot.
class ReplicaView final : public SinkView {
 public:
  /// Error: kConflict if the replica does not stand at `expected` (any more).
  static Result<std::unique_ptr<SinkView>> Open(const std::string& dsn, const std::optional<Bookmark>& expected);

  Result<TableDigest> Digest(const TableDefinition& table) override;
  Result<std::unique_ptr<DigestReceiver>> Expect(const TableDefinition& table) override;

 private:
  explicit ReplicaView(PgConnection connection) : connection_(std::move(connection)) {}

  PgConnection connection_;
};

}  // namespace sluice
