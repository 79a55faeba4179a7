#pragma once
// One range of the initial copy on its own connection: binary COPY, one transaction. Or keys whose rows are removed.

#include <functional>
#include <memory>

#include "sink/replica/copy_in.h"
#include "sink/replica/destination_table.h"
#include "sink/replica/session.h"
#include "sink/sink.h"

namespace sluice {

class ReplicaCopyWriter final : public CopyWriter {
 public:
  enum class Purpose { kAddRows, kRemoveRows };
  struct Hooks {
    std::function<Status(PgConnection&)> before_commit;  ///< What else belongs into the transaction.
    std::function<void(ReplicaSession)> give_back;       ///< Takes the session once all is committed.
  };

  /// With kRemoveRows only the keys of the rows that come count: what stands under them is removed.
  static Result<std::unique_ptr<ReplicaCopyWriter>> Open(ReplicaSession session, std::shared_ptr<const DestinationTable> table,
                                                         Purpose purpose, Hooks hooks);

  Status Rows(Bytes rows, size_t count) override;
  Status Finish() override;

 private:
  ReplicaCopyWriter(ReplicaSession session, std::shared_ptr<const DestinationTable> table, Purpose purpose, Hooks hooks)
      : session_(std::move(session)), table_(std::move(table)), purpose_(purpose), hooks_(std::move(hooks)), copy_(session_.connection) {}

  Status Begin();
  Status BeginCopy(const std::string& target, CopyFormat format = CopyFormat::kBinary);
  Status Run(const std::string& sql);
  Status RemoveRows();
  Result<int16_t> ReadFieldCount(ByteReader& reader) const;
  Error CutOff() const;
  Status RewriteRow(ByteReader& reader);
  Status RewriteAsLine(ByteReader& reader);
  bool AllIsText() const;

  ReplicaSession session_;
  std::shared_ptr<const DestinationTable> table_;
  const Purpose purpose_;
  const Hooks hooks_;
  bool as_lines_ = false;
  CopyIn copy_;
};

}  // namespace sluice
