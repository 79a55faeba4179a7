#pragma once
// One range of the initial copy on its own connection: binary COPY, one transaction.

#include <functional>
#include <memory>

#include "sink/replica/copy_in.h"
#include "sink/replica/destination_table.h"
#include "sink/replica/session.h"
#include "sink/sink.h"

namespace sluice {

class ReplicaCopyWriter final : public CopyWriter {
 public:
  /// `give_back` takes the session once the range is finished, for the next writer.
  static Result<std::unique_ptr<ReplicaCopyWriter>> Open(ReplicaSession session,
                                                         std::shared_ptr<const DestinationTable> table,
                                                         std::function<void(ReplicaSession)> give_back);

  Status Rows(Bytes rows, size_t count) override;
  Status Finish() override;

 private:
  ReplicaCopyWriter(ReplicaSession session, std::shared_ptr<const DestinationTable> table,
                    std::function<void(ReplicaSession)> give_back)
      : session_(std::move(session)), table_(std::move(table)), give_back_(std::move(give_back)), copy_(session_.connection) {}

  Status Begin();
  Status BeginCopy(const std::string& target);
  Status Run(const std::string& sql);
  Status RewriteRow(ByteReader& reader);

  ReplicaSession session_;
  std::shared_ptr<const DestinationTable> table_;
  std::function<void(ReplicaSession)> give_back_;
  CopyIn copy_;
};

}  // namespace sluice
