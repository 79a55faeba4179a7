#pragma once
// What readers are told of the lake's moments who ask at its URL.

#include <memory>
#include <mutex>

#include "catalog/open_catalog.h"
#include "config/config.h"
#include "server/rest_catalog/moments.h"
#include "sink/lake/cuts.h"

namespace sluice::cli {

class ServedMoments final : public Moments {
 public:
  explicit ServedMoments(LakeConfig config) : config_(std::move(config)) {}

  Result<uint64_t> Find(std::string_view wish) override;
  Result<std::optional<TableAtMoment>> Load(const TableIdentifier& table, uint64_t moment) override;

 private:
  /// Error: kNeedsOperator (4130): there is none yet.
  Result<std::shared_ptr<const LakeToRead>> Open();

  const LakeConfig config_;

  std::mutex mutex_;  // Guards everything below.
  std::shared_ptr<const LakeToRead> opened_;  // Whose catalog is a server, and its connection is kept.
};

}  // namespace sluice::cli
