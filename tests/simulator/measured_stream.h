#pragma once
// The real stream, with an eye on how many bytes of its batches the pipeline holds at once.

#include <memory>
#include <vector>

#include "source/postgres/pg_change_stream.h"
#include "world.h"

namespace sluice::simulator {

class MeasuredStream final : public ChangeStream {
 public:
  MeasuredStream(World& world, std::unique_ptr<PgChangeStream> stream) : world_(world), stream_(std::move(stream)) {}
  ~MeasuredStream() override;

  Result<ChangeBatchPtr> Next(std::chrono::milliseconds wait_max) override;
  Status Acknowledge(Lsn durable) override { return stream_->Acknowledge(durable); }

 private:
  void CheckHeldBytes();

  World& world_;
  const std::unique_ptr<PgChangeStream> stream_;
  std::vector<std::weak_ptr<const ChangeBatch>> given_;  // Of those that somebody still holds.
  size_t largest_bytes_ = 0;
};

}  // namespace sluice::simulator
