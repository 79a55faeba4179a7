// sluice init: looks at source, target and lake, then writes a commented sluice.yaml.

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>

#include "cli/commands.h"
#include "cli/config_template.h"
#include "cli/dsn_parts.h"
#include "cli/files.h"
#include "config/printable.h"
#include "config/storage_section.h"
#include "config/units.h"
#include "postgres/connection.h"
#include "storage/object_store.h"

namespace sluice::cli {
namespace {

struct Options {
  std::string from, to, lake;
  std::string project;
  bool force = false;
};

// Tables of the people's own, partitions counted with their root.
constexpr const char* kTablesSql =
    "SELECT count(*) FILTER (WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition), "
    "coalesce(sum(pg_catalog.pg_table_size(c.oid)) FILTER (WHERE c.relkind = 'r'), 0)::pg_catalog.int8 "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sluice') AND c.relpersistence = 'p'";

struct Facts {
  std::string version;
  uint64_t tables = 0;
  uint64_t bytes = 0;
  std::string wal_level;
  std::string identity;  // System identifier and database: the same database under any name.
  DsnParts parts;
};

Result<Facts> Look(const std::string& dsn) {
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(dsn));
  Facts facts;
  ASSIGN_OR_RETURN(facts.version, connection.QueryValue("SHOW server_version"));
  ASSIGN_OR_RETURN(facts.wal_level, connection.QueryValue("SHOW wal_level"));
  ASSIGN_OR_RETURN(const PgResult tables, connection.Execute(kTablesSql));
  facts.tables = std::strtoull(PQgetvalue(tables.get(), 0, 0), nullptr, 10);
  facts.bytes = std::strtoull(PQgetvalue(tables.get(), 0, 1), nullptr, 10);
  // Some providers withhold the identifier; then only equal addresses could tell, and those deceive.
  const auto system = connection.QueryValue("SELECT system_identifier FROM pg_catalog.pg_control_system()");
  if (system.ok()) facts.identity = *system + "/" + PQdb(connection.get());
  facts.parts = PartsOf(dsn, connection.get());
  return facts;
}

std::string Mark(const Invocation& invocation, std::string_view mark) {
  return Colored(mark, mark == "✓" ? Ink::kGreen : Ink::kYellow, invocation.terminal.color);
}

std::string ShortVersion(const std::string& version) { return version.substr(0, version.find(' ')); }

std::string CountOfTables(uint64_t tables) { return fmt::format("{} {}", FormatCount(tables), tables == 1 ? "table" : "tables"); }

Result<Facts> LookAtSource(const Options& options, const Invocation& invocation) {
  ASSIGN_OR_RETURN(Facts facts, Look(options.from));
  invocation.Say(fmt::format("  {} source  PostgreSQL {} · {} · {} · wal_level={}", Mark(invocation, facts.wal_level == "logical" ? "✓" : "!"),
                             Printable(ShortVersion(facts.version)), CountOfTables(facts.tables), FormatSize(facts.bytes), Printable(facts.wal_level)));
  if (facts.wal_level != "logical") invocation.Say("            fix: ALTER SYSTEM SET wal_level = 'logical';  -- then restart the server");
  return facts;
}

Result<Facts> LookAtTarget(const Options& options, const Facts& source, const Invocation& invocation) {
  ASSIGN_OR_RETURN(Facts facts, Look(options.to));
  if (!facts.identity.empty() && facts.identity == source.identity)
    return Error{ErrorKind::kNeedsOperator, "--from and --to name the same database", slu::kSameDatabase, "",
                 "sluice would copy the database into itself, and then its own changes again.", {"name another database with --to"}};
  invocation.Say(fmt::format("  {} target  PostgreSQL {} · {}", Mark(invocation, "✓"), Printable(ShortVersion(facts.version)),
                             facts.tables == 0 ? "empty" : CountOfTables(facts.tables)));
  return facts;
}

// As the clouds' own tools take them.
std::string FromEnvironment(std::initializer_list<const char*> names) {
  for (const char* const name : names)
    if (const char* const value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return {};
}

Status LookAtBucket(const Options& options, const Invocation& invocation, ConfigTemplate& content) {
  content.catalog_path = "catalog.db";
  StorageConfig storage;
  if (IsInAzure(options.lake)) {
    content.endpoint = FromEnvironment({"AZURE_STORAGE_SERVICE_ENDPOINT"});
    storage.secret_key = FromEnvironment({"AZURE_STORAGE_KEY"});
    content.has_account_key = !storage.secret_key.empty();
  } else if (IsAtGoogle(options.lake)) {
    content.endpoint = FromEnvironment({"STORAGE_EMULATOR_HOST"});
  } else {
    content.endpoint = FromEnvironment({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
    content.region = FromEnvironment({"AWS_REGION", "AWS_DEFAULT_REGION"});
  }
  storage.endpoint = content.endpoint;
  storage.region = content.region;
  ASSIGN_OR_RETURN(const auto store, ObjectStore::Open(options.lake, storage));
  content.warehouse = store->root_uri();
  RETURN_IF_ERROR(store->Probe());
  invocation.Say(fmt::format("  {} lake    {} · SQLite catalog beside the configuration · write+delete OK", Mark(invocation, "✓"), Printable(content.warehouse)));
  return Ok();
}

Status LookAtLake(const Options& options, const Invocation& invocation, ConfigTemplate& content) {
  std::string folder = options.lake.starts_with("file:///") ? options.lake.substr(7) : options.lake;
  if (IsInBucket(folder)) return LookAtBucket(options, invocation, content);
  if (folder.find("://") != std::string::npos)
    return Error{ErrorKind::kNeedsOperator, fmt::format("a lake in {} is not built in", Printable(folder)), slu::kNotSupported, "",
                 "A lake is in a folder, or in a bucket of S3 and what speaks its protocol, of Google or of Azure.", {"--lake /srv/lake", "--lake s3://bucket/path"}};
  std::error_code failed;
  folder = std::filesystem::absolute(folder, failed).lexically_normal().string();
  if (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  RETURN_IF_ERROR(ProveWritable(folder));
  invocation.Say(fmt::format("  {} lake    {} · SQLite catalog · write+delete OK", Mark(invocation, "✓"), Printable(folder)));
  content.warehouse = folder;
  return Ok();
}

// The name of the source database, in the letters that a slot may have.
std::string ProjectName(const std::string& database) {
  std::string name;
  for (const char c : database.substr(0, 40)) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool good = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '_' || lower == '-';
    name += good ? lower : '_';
  }
  return name.empty() ? "sluice" : name;
}

// Secrets first: a configuration that names a missing secret is worse than a secret nobody names.
Status WriteAll(const ConfigTemplate& content, const std::string& path, bool force) {
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  for (const auto& [name, secret] : content.secrets) RETURN_IF_ERROR(WriteSecret(folder + "/.sluice/secrets", name, secret));
  return WriteFileWhole(path, content.yaml, force ? Existing::kReplace : Existing::kRefuse, 0644);
}

Result<ExitCode> Init(const Options& options, const Invocation& invocation) {
  const std::string path = invocation.options.config_file.empty() ? "sluice.yaml" : invocation.options.config_file;
  if (!options.force && access(path.c_str(), F_OK) == 0)
    return Error{ErrorKind::kNeedsOperator, fmt::format("{} is there already", Printable(path)), slu::kConfigExists};
  if (options.to.empty() && options.lake.empty())
    return Error{ErrorKind::kNeedsOperator, "init needs a destination: --to DSN, --lake FOLDER, or both", slu::kUsage, "", "", {"sluice init --from DSN --to DSN --lake FOLDER"}};
  ASSIGN_OR_RETURN(const Facts source, LookAtSource(options, invocation));
  ConfigTemplate content;
  content.project = options.project.empty() ? ProjectName(source.parts.database) : options.project;
  content.source = source.parts;
  if (!options.to.empty()) {
    ASSIGN_OR_RETURN(const Facts target, LookAtTarget(options, source, invocation));
    content.replica = target.parts;
  }
  if (!options.lake.empty()) RETURN_IF_ERROR(LookAtLake(options, invocation, content));
  FillTemplate(content);
  RETURN_IF_ERROR(WriteAll(content, path, options.force));
  invocation.Say(fmt::format("  wrote {} (commented, {} lines)", Printable(path), std::count(content.yaml.begin(), content.yaml.end(), '\n')));
  for (const auto& [name, secret] : content.secrets) invocation.Say(fmt::format("  moved a password out of it into .sluice/secrets/{} (mode 0600)", name));
  invocation.Say("  next: sluice check   then: sluice run");
  return ExitCode::kOk;
}

}  // namespace

void AddInit(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "init", "Look at source, target and lake, and write sluice.yaml",
                           "  sluice init --from postgresql://reader@db/shop --to postgresql://writer@dwh/shop --lake /srv/lake\n"
                           "  sluice init --from \"$SRC\" --lake lake\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("--from", options->from, "the source: a PostgreSQL connection string")->required()->type_name("DSN");
  verb->add_option("--to", options->to, "the replica: a PostgreSQL connection string")->type_name("DSN");
  verb->add_option("--lake", options->lake, "the lake: a folder; becomes absolute")->type_name("FOLDER");
  verb->add_option("--project", options->project, "name of the project and its slot (default: the source database)")->type_name("NAME");
  verb->add_flag("--force", options->force, "replace a configuration that is there already");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Init(*options, invocation); }; });
}

}  // namespace sluice::cli
