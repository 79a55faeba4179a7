#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sink/replica/session.h"
#include "sink/sink.h"

namespace sluice {

/// The replica as of one moment, on its own connection and snapshot.
class ReplicaView final : public SinkView {
 public:
  /// Error: kConflict if the replica does not stand at `expected` (any more).
  static Result<std::unique_ptr<SinkView>> Open(const std::string& dsn, const std::optional<Bookmark>& expected);

  Result<RowForm> Form(const TableDefinition& table) override;
  Status Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop, BucketSums& sums) override;
  Status Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max, std::stop_token stop,
               std::vector<FetchedRow>& rows) override;
  Result<TableDigest> Digest(const TableDefinition& table) override;
  Result<std::unique_ptr<DigestReceiver>> Expect(const TableDefinition& table) override;

 private:
  explicit ReplicaView(PgConnection connection) : connection_(std::move(connection)) {}

  Result<TableDigest> DigestRows(const TableDefinition& table);
  template <class Query>
  Status Ask(const Query& query);

  PgConnection connection_;
  std::optional<bool> hashes_alike_;  ///< Unset until it was asked for.
};

}  // namespace sluice
