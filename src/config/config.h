#pragma once
// The configuration as plain structs, units in names. Every limit with its default and why.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/daily_window.h"
#include "config/lake_readers.h"
#include "config/mapping_config.h"
#include "config/rest_catalog_config.h"
#include "config/storage_config.h"

namespace sluice {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct CopyConfig {
  int parallel = 2;                           ///< Connections that read the source at once.
  uint64_t range_bytes_target = 64ull << 20;  ///< One unit of work, TOAST included.
  uint64_t bytes_per_second_max = 0;          ///< Of all connections together; 0: as fast as it can.
  milliseconds standby_lag_max{30'000};       ///< While a standby of the source is further behind, nothing more is read; 0: not looked at.
};

struct SourceConfig {
  std::string name = "source";
  std::string dsn;
  std::string slot = "sluice";
  std::string publication = "sluice";
  seconds heartbeat_interval{10};
  CopyConfig copy;
  uint64_t spill_after_bytes = 64ull << 20;    ///< Open streamed transactions above it go to disk.
  uint64_t slot_budget_warn_bytes = 10ull << 30;
  uint64_t slot_give_up_bytes = 0;             ///< Beyond it the slot is dropped, to save the source's disk; 0: never.
};

struct ReplicaConfig {
  std::string name = "replica";
  std::string dsn;
  milliseconds commit_interval{0};             ///< 0: as soon as nothing more is queued.
  uint64_t commit_bytes_max = 32ull << 20;     ///< A larger backlog is cut at the next transaction end.
  MappingConfig map;
};

/// One field of a partition spec, e.g. day(_ingested_at), bucket(16, facility_id), identity(kind).
struct PartitionFieldConfig {
  std::string column;
  std::string transform = "identity";          ///< identity, year, month, day, hour, bucket, truncate.
  int width = 0;                               ///< Of bucket and truncate.
};

/// One field of a sort order, e.g. facility_id, hit_at desc nulls last.
struct SortFieldConfig {
  std::string column;
  bool ascending = true;
  bool nulls_first = true;
};

/// What a table has of its own; what is absent is as the lake has it.
struct LakeTableConfig {
  std::optional<std::vector<PartitionFieldConfig>> partition;
  std::optional<std::vector<SortFieldConfig>> sort;
  std::optional<int> format_version;
  std::optional<uint64_t> file_bytes_target;
};

/// What keeps a lake quick to read while it is written.
struct LakeMaintenanceConfig {
  bool enabled = true;
  uint64_t bytes_per_second_max = 64ull << 20; ///< Read and written together; 0: as fast as it can.
  DailyWindow window;                          ///< When files are written again.
  int files_merged_at = 8;                     ///< So many small files of about one size become one; delete files too.
  int deleted_percent_max = 30;                ///< A file of which more is deleted is written again.
  milliseconds look_every{60'000};             ///< How soon after a look the same table is looked at again.
  seconds quiet_after{3600};                   ///< A partition without changes for so long is merged whatever it holds.
  uint64_t refresh_bytes_per_second = 1ull << 20;  ///< For files of which anything is deleted, however little; 0: not done.
  seconds refresh_every{600};                  ///< At most so often for each table.
  seconds orphans_after{72 * 3600};            ///< Unreferenced files of unknown origin may be on their way into a commit until then.
};

/// Names that are given to moments of the lake by themselves, so that they can be read later; the newest ones stay. 0: none.
struct LakeTagsConfig {
  int hourly = 24;
  int daily = 7;
};

/// Tables of which every version is kept, in a table NAME_changes beside each.
struct LakeChangesConfig {
  std::vector<std::string> tables;             ///< Globs of "namespace.name" as the lake names them. Empty: none.
  std::vector<PartitionFieldConfig> partition{{"_ingested_at", "hour", 0}};
  milliseconds keep{0};                        ///< Since they were ingested; 0: for ever.
};

struct LakeConfig {
  std::string name = "lake";
  std::string warehouse;                       ///< Folder, or URI of a bucket: /srv/lake, s3://lake/warehouse.
  StorageConfig storage;                       ///< Of a bucket.
  std::string catalog_uri;                     ///< SQLite file; empty: <warehouse>/catalog.db.
  std::string catalog_dsn;                     ///< Of a PostgreSQL that keeps the catalog in place of the file.
  std::optional<RestCatalogConfig> rest_catalog;  ///< A server that keeps it in place of both.
  std::string catalog_name = "sluice";         ///< Readers load the catalog under this name.
  std::vector<ReaderEngine> readers;           ///< Whose limits new tables and columns keep to. Empty: the defaults of docs/reference/types.md.
  milliseconds commit_interval{60'000};
  uint64_t commit_bytes_max = 128ull << 20;    ///< Uncommitted Arrow bytes that make a commit early.
  std::vector<PartitionFieldConfig> partition{{"_ingested_at", "day", 0}};
  std::vector<SortFieldConfig> sort;           ///< Of the rows of each file. Empty: as they come.
  int format_version = 2;                      ///< Of Iceberg: 2, or 3 with deletion vectors. Tables are upgraded, never downgraded.
  uint64_t file_bytes_target = 128ull << 20;
  std::string compression = "zstd";            ///< zstd, snappy, lz4 or none.
  int compression_level = 1;
  int snapshots_kept = 100;                    ///< Older ones expire in the commit that makes a new one.
  LakeTagsConfig tags;
  LakeChangesConfig changes;
  int manifests_merged_at = 30;                ///< So many small manifests become one.
  LakeMaintenanceConfig maintenance;
  uint64_t index_memory_bytes_max = 32ull << 20;  ///< Of the key indexes of all tables; what goes beyond it goes to files.
  std::string index_folder;                    ///< Of these files, below the state folder; empty: in memory.
  std::map<std::string, LakeTableConfig> tables;  ///< By the source's "namespace.name".
  MappingConfig map;
};

/// Comparing table after table while the stream runs.
struct VerifyConfig {
  milliseconds every{std::chrono::hours(24)};  ///< How often each table; 0: never.
  uint64_t bytes_per_second_max = 16ull << 20; ///< Read from the source.
};

/// What becomes of a table whose UPDATE and DELETE PostgreSQL would refuse once published.
enum class WithoutIdentity {
  kAppendOnly,  ///< Only its inserts and truncates are published, which harms nobody; check and log say so.
  kRefuse,
};

struct PipelineConfig {
  std::string name = "sluice";
  std::vector<std::string> include{"*.*"};     ///< Globs of "namespace.name"; system namespaces never match.
  std::vector<std::string> exclude;
  WithoutIdentity without_identity = WithoutIdentity::kAppendOnly;
  milliseconds table_watch_interval{30'000};   ///< How soon a new table of the source joins.
  uint64_t queue_bytes_max = 64ull << 20;      ///< Per sink.
  VerifyConfig verify;
};

/// The lake's catalog as Iceberg's REST protocol has it, for readers.
struct CatalogServeConfig {
  std::string address = "127.0.0.1";           ///< An IP address of this machine.
  uint16_t port = 8181;
  std::string token;                           ///< Who has it may read. Empty, and no clients: everybody may.
  std::map<std::string, std::string> clients;  ///< Secrets by client, of those who log in by OAuth2.
  std::string certificate_file;                ///< PEM; empty: without TLS.
  std::string key_file;
  bool tls_elsewhere = false;                  ///< A proxy in front of it does TLS.
};

struct Config {
  std::string path;                            ///< The file it came from.
  std::string project = "sluice";
  std::string state_folder = ".sluice";        ///< Beside the file: socket, spill, state. A cache.
  SourceConfig source;
  std::optional<ReplicaConfig> replica;
  std::optional<LakeConfig> lake;
  PipelineConfig pipeline;
  std::optional<CatalogServeConfig> serve_catalog;
  std::string log_format = "auto";             ///< auto, text or json.
  std::string log_level = "info";
};

}  // namespace sluice
