#pragma once
// The work that keeps a lake quick to read, on a thread of its own: it prepares, and the sink's next commit puts in place.

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "sink/lake/compaction.h"
#include "sink/lake/garbage.h"

namespace sluice {

/// What people asked for one table by hand, and what came of it.
struct AskedMaintenance {
  int compactions_left = 0;                ///< So many partitions at most are written again, down to the last small file.
  bool remove_orphans = false;             ///< Still to be done.
  std::chrono::seconds orphans_after{};
  bool at_once = false;                    ///< Orphans go now, not after the time in which readers may still use them.
  int64_t orphans = 0, orphan_bytes = 0;   ///< Found.
  int64_t uploads = 0;                     ///< Aborted.
  std::string uploads_stay = {};           ///< Why others are still there. Empty: there are none.
  std::string failure = {};                ///< Empty: none.
};

/// Thread-safe.
class LakeMaintenance {
 public:
  /// All must outlive it.
  LakeMaintenance(const LakeContext& context, Catalog& catalog, const Clock& clock, Garbage& garbage);
  ~LakeMaintenance();  ///< Removes files that were not put in place.
  LakeMaintenance(const LakeMaintenance&) = delete;
  LakeMaintenance& operator=(const LakeMaintenance&) = delete;

  /// A table's state after a commit.
  void Offer(const TableIdentifier& id, iceberg::TableMetadataPtr table);
  void Forget(const TableIdentifier& id);

  /// What is ready: for each table at most one, and nothing more is prepared for it until Settle.
  std::vector<Compaction> TakeReady();
  /// It was put in place, or its files were removed.
  void Settle(const TableIdentifier& id);

  /// Done soon, whatever the hour and the configuration say.
  void Ask(const TableIdentifier& id, iceberg::TableMetadataPtr table, AskedMaintenance asked);
  /// What came of it, once nothing is left to do or to put in place.
  std::optional<AskedMaintenance> TakeAsked(const TableIdentifier& id);
  /// What is left of it is not done.
  void ForgetAsked();

  /// Waits until something is ready or nothing is left to be looked at: for tests.
  void WaitUntilIdle();

 private:
  struct Table {
    iceberg::TableMetadataPtr metadata;
    Timestamp looked_at{};  ///< Or when the table came.
    Timestamp look_at{};    ///< When there may be something to do.
    bool prepared = false;  ///< Something was, and is not settled.
    Timestamp refresh_at{};
    Timestamp orphans_at{};
    std::optional<AskedMaintenance> asked = std::nullopt;

    bool asks_to_compact() const { return asked && asked->compactions_left > 0 && !prepared; }
    bool asks_to_look() const { return asked && asked->remove_orphans; }
  };
  using Tables = std::map<TableIdentifier, Table>;

  /// Made if it is new. With mutex_ held.
  Table& Known(const TableIdentifier& id);
  /// Of size and time, without what asks for a compaction.
  CompactionLimits LimitsOf(const TableIdentifier& id) const;
  void Run(const std::stop_token& stop);
  /// Whether there was something to look at.
  bool WorkOnce(const std::stop_token& stop);
  void CompactOnce(const TableIdentifier& id, const iceberg::TableMetadata& table, bool refresh, const std::stop_token& stop);
  /// Whether anything was asked for.
  bool WorkAsked(const std::stop_token& stop);
  Status CompactAsked(const TableIdentifier& id, const iceberg::TableMetadata& table, const std::stop_token& stop);
  Status RemoveOrphansAsked(const TableIdentifier& id, const std::string& location, const AskedMaintenance& asked, const std::stop_token& stop);
  bool KeepReady(std::optional<Compaction> compaction);
  int64_t RefreshCredit(Timestamp now);
  void LookForOrphans(const TableIdentifier& id);
  void AbortUploads(const TableIdentifier& id, const std::string& location, const std::stop_token& stop);

  const LakeContext& context_;
  const LakeMaintenanceConfig& config_;
  Catalog& catalog_;
  const Clock& clock_;
  Garbage& garbage_;

  // The thread's only.
  Pace pace_;
  double refresh_credit_bytes_;
  Timestamp credited_at_;
  bool uploads_refused_ = false;  // It was said.

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable_any changed_;
  Tables tables_;
  std::vector<Compaction> ready_;
  bool idle_ = false;

  std::jthread thread_;
};

}  // namespace sluice
