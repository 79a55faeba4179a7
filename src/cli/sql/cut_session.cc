#include "cli/sql/cut_session.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/free_with.h"
#include "cli/output.h"
#include "cli/parts.h"
#include "cli/progress_line.h"
#include "config/printable.h"
#include "config/storage_section.h"
#include "config/units.h"
#include "duckdb/lake_statements.h"
#include "pipeline/status_json.h"
#include "sink/lake/cut_table.h"
#include "sink/lake/table_id.h"

namespace sluice::cli {
namespace {

using ConnectionOptions = std::unique_ptr<PQconninfoOption, FreeWith<PQconninfoFree>>;

constexpr const char* kSystemCertificates = "/etc/ssl/certs/ca-certificates.crt";

Status TakeStore(const LakeConfig& lake, DuckDbSession& duckdb) {
  if (!IsInBucket(lake.warehouse)) return Ok();
  if (!lake.warehouse.starts_with("s3://"))
    return Error{ErrorKind::kNeedsOperator, fmt::format("the lake is in {}", Printable(lake.warehouse.substr(0, lake.warehouse.find("://") + 3))), slu::kSqlStorage};
  const std::string bucket = lake.warehouse.substr(5, lake.warehouse.find('/', 5) - 5);
  ASSIGN_OR_RETURN(const S3Keys keys, FindS3Keys(bucket, lake.storage));
  for (const std::string& secret : {keys.secret_key, keys.session_token, lake.storage.secret_key, lake.storage.session_token}) duckdb.KeepSecret(secret);
  RETURN_IF_ERROR(duckdb.LoadExtension("httpfs"));
  RETURN_IF_ERROR(duckdb.Prepare("SET enable_server_cert_verification = true"));
  const std::string certificates = !lake.storage.ca_file.empty() ? lake.storage.ca_file : access(kSystemCertificates, R_OK) == 0 ? kSystemCertificates : "";
  if (!certificates.empty()) RETURN_IF_ERROR(duckdb.Prepare("SET ca_cert_file = " + DuckDbText(certificates)));
  return duckdb.Prepare(StoreSecretStatement(lake.warehouse, lake.storage, keys));
}

// The server holds the session to reading too, whoever its role is.
Result<std::vector<ConnectionOption>> ConnectionOptionsOf(const std::string& dsn) {
  char* words = nullptr;
  const ConnectionOptions parsed(PQconninfoParse(dsn.c_str(), &words));
  PQfreemem(words);  // They may quote the password.
  if (parsed == nullptr) return Error{ErrorKind::kNeedsOperator, "the replica's connection string is malformed", slu::kSqlFailed};
  std::vector<ConnectionOption> options = {{"connect_timeout", "5"}, {"application_name", "sluice sql"}};
  std::string session = "-c default_transaction_read_only=on";
  for (const PQconninfoOption* one = parsed.get(); one->keyword != nullptr; ++one) {
    if (one->val == nullptr) continue;
    const std::string_view name = one->keyword;
    if (name == "options") session = std::string(one->val) + " " + session;
    else if (name != "application_name" && name != "connect_timeout") options.push_back({one->keyword, one->val});
  }
  options.push_back({"options", std::move(session)});
  return options;
}

Status AttachReplica(const ReplicaConfig& replica, DuckDbSession& duckdb) {
  ASSIGN_OR_RETURN(const std::vector<ConnectionOption> options, ConnectionOptionsOf(replica.dsn));
  for (const ConnectionOption& option : options)
    if (option.name.find("password") != std::string::npos) duckdb.KeepSecret(option.value);
  RETURN_IF_ERROR(duckdb.LoadExtension("postgres_scanner"));
  for (const std::string& statement : ReplicaStatements(options)) RETURN_IF_ERROR(duckdb.Prepare(statement));
  return Ok();
}

std::string Age(std::optional<Timestamp> time) {
  if (!time) return "when, is not known";
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now() - *time);
  return fmt::format("everything committed up to {}, {} ago", ToRfc3339(*time), FormatDuration(std::chrono::floor<std::chrono::seconds>(std::max(age, std::chrono::milliseconds(0)))));
}

std::string ReplicaLine(const Config& config, const Status& attached) {
  if (!attached.ok()) return fmt::format("replica  not attached: {}", Printable(attached.error().message));
  const auto bookmarks = ReadBookmarks(config);
  std::string at = "where it is, is not known";
  if (bookmarks.ok())
    for (const SinkBookmark& one : *bookmarks)
      if (one.sink == config.replica->name && one.bookmark) at = "now at " + ToString(one.bookmark->position.lsn);
  return fmt::format("replica  as it is when it is asked, {}: replica.NAMESPACE.TABLE", at);
}

/// The table of cuts, as it is now: which other moments there are.
Status ViewCuts(const LoadedTables& loaded, DuckDbSession& duckdb) {
  for (size_t i = 0; i < loaded.tables.size(); ++i) {
    const CutTable& table = loaded.tables[i];
    if (table.name != NameOf(CutTableId()) || !table.metadata->current_snapshot_id) continue;
    TableAtCut now;
    now.name = table.name;
    now.state = CutState::kSnapshot;
    now.snapshot_id = table.metadata->current_snapshot_id;
    RETURN_IF_ERROR(duckdb.Prepare("CREATE SCHEMA IF NOT EXISTS lake." + DuckDbName(now.name.name_space)));
    return duckdb.Prepare(ViewStatement(now, loaded.locations[i], table.metadata->schema()));
  }
  return Ok();
}

/// One view per table; the names of those that cannot be made are added to the banner.
Status MakeViews(const LoadedTables& loaded, const Cut& cut, const Invocation& invocation, QuerySignals& signals, CutSession& session) {
  ProgressLine progress(invocation.terminal.progress);
  std::set<std::string> namespaces;
  size_t made = 0;
  std::vector<std::string> missing;
  for (size_t i = 0; i < cut.tables.size(); ++i) {
    const TableAtCut& table = cut.tables[i];
    const std::string name = Printable(ToString(table.name));
    if (signals.came()) return Error{ErrorKind::kCancelled, "cancelled"};
    if (table.is_missing()) missing.push_back(fmt::format("missing  {}: {}", name, Printable(table.reason)));
    const std::string view = ViewStatement(table, loaded.locations[i], loaded.tables[i].metadata->schema());
    if (view.empty()) continue;
    progress.Show(fmt::format("table {} of {}: {}", i + 1, cut.tables.size(), name));
    Status viewed = namespaces.insert(table.name.name_space).second ? session.duckdb->Prepare("CREATE SCHEMA IF NOT EXISTS lake." + DuckDbName(table.name.name_space)) : Status();
    if (viewed.ok()) viewed = session.duckdb->Prepare(view);
    if (viewed.ok()) ++made;
    else missing.push_back(fmt::format("missing  {}: {}", name, Printable(viewed.error().message)));
  }
  if (const Status viewed = ViewCuts(loaded, *session.duckdb); !viewed.ok()) missing.push_back("missing  sluice.cuts: " + Printable(viewed.error().message));
  progress.Erase();
  session.banner.front() += fmt::format("; {} {}: lake.NAMESPACE.TABLE", made, made == 1 ? "table" : "tables");
  session.banner.insert(session.banner.end(), missing.begin(), missing.end());
  return Ok();
}

}  // namespace

Result<CutSession> OpenCutSession(Invocation& invocation, const CutWish& wish, const SessionOptions& options, QuerySignals& signals) {
  ASSIGN_OR_RETURN(const Config config, invocation.LoadConfig());
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const LoadedTables loaded, LoadTables(lake, invocation));
  ASSIGN_OR_RETURN(const Cut cut, CutOf(loaded, wish));
  CutSession session;
  ASSIGN_OR_RETURN(session.duckdb, DuckDbSession::Open(options));
  const QuerySignals::During during(signals, *session.duckdb);
  for (const char* const extension : {"avro", "iceberg"}) RETURN_IF_ERROR(session.duckdb->LoadExtension(extension));
  RETURN_IF_ERROR(TakeStore(lake.config, *session.duckdb));
  RETURN_IF_ERROR(session.duckdb->Prepare("ATTACH ':memory:' AS lake"));
  session.banner.push_back(fmt::format("lake     as of {}, {}", ToString(cut.lsn), Age(cut.source_time)));
  if (config.replica) session.banner.push_back(ReplicaLine(config, AttachReplica(*config.replica, *session.duckdb)));
  RETURN_IF_ERROR(MakeViews(loaded, cut, invocation, signals, session));
  RETURN_IF_ERROR(session.duckdb->Prepare("USE lake"));
  for (const std::string& statement : LockStatements(lake.store().root_uri())) RETURN_IF_ERROR(session.duckdb->Prepare(statement));
  return session;
}

}  // namespace sluice::cli
