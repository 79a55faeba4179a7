#include "cli/config_template.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "config/secrets.h"
#include "config/storage_section.h"

namespace sluice::cli {
namespace {

// In double quotes, which JSON and YAML share; ${ is escaped, since values are interpolated.
std::string Scalar(const std::string& text) {
  std::string escaped;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.compare(at, 2, "${") == 0) escaped += '$';
    escaped += text[at];
  }
  const bool plain = !escaped.empty() && escaped.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./") == std::string::npos &&
                     escaped != "null" && escaped != "true" && escaped != "false";
  return plain ? escaped : nlohmann::json(escaped).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string Connection(const DsnParts& parts, const std::string& name, ConfigTemplate& content) {
  if (!parts.whole.empty()) {
    const std::string secret = name + "_dsn";
    if (!FindPassword(parts.whole)) return fmt::format("    dsn: {}\n", Scalar(parts.whole));
    content.secrets[secret] = parts.whole;
    return fmt::format("    dsn: ${{secret:file:{}}}            # in .sluice/secrets, since it holds a password\n", secret);
  }
  std::string yaml = fmt::format("    host: {}\n    port: {}\n    database: {}\n    user: {}\n", Scalar(parts.host), parts.port.empty() ? "5432" : Scalar(parts.port),
                                 Scalar(parts.database), Scalar(parts.user));
  if (!parts.password.empty()) {
    const std::string secret = name + "_password";
    content.secrets[secret] = parts.password;
    yaml += fmt::format("    password: ${{secret:file:{}}}  # or ${{NAME}} from the environment\n", secret);
  }
  if (!parts.tls_mode.empty())
    yaml += fmt::format("    tls: {{ mode: {}{} }}\n", parts.tls_mode, parts.tls_ca.empty() ? "" : ", ca: " + Scalar(parts.tls_ca));
  return yaml;
}

std::string SlotName(std::string project) {
  for (char& c : project)
    if (c == '-') c = '_';
  return project == "sluice" ? project : "sluice_" + project;
}

std::string SourceSection(ConfigTemplate& content) {
  return "sources:\n  source:\n    type: postgres\n" + Connection(content.source, "source", content) +
         fmt::format("    slot: {{ name: {0} }}              # keeps the source's log until every sink has it\n"
                     "    publication: {{ name: {0} }}\n"
                     "    heartbeat: {{ every: 10s }}                  # lets the slot move while the tables are idle\n"
                     "    snapshot: {{ parallel_tables: 2, range_size: 64MiB }}  # load of the initial copy on the source\n"
                     "    #                                            and max_rate: 50MiB (a second), standby_lag: 30s (pauses while a standby is behind)\n"
                     "    slot_budget: {{ warn: 10GiB }}               # status warns once the slot holds so much log; give_up: 100GiB drops it then\n\n",
                     SlotName(content.project));
}

constexpr const char* kAccountKey = "account_key: \"${AZURE_STORAGE_KEY}\"";

// Credentials are never written: they come from where the cloud's tools find them.
std::string Storage(const ConfigTemplate& content) {
  if (!IsInBucket(content.warehouse)) return {};
  std::vector<std::string> fields;
  if (!content.endpoint.empty()) fields.push_back("endpoint: " + Scalar(content.endpoint));
  if (!content.region.empty()) fields.push_back("region: " + Scalar(content.region));
  if (content.has_account_key) fields.emplace_back(kAccountKey);
  if (IsAtGoogle(content.warehouse) && fields.empty()) return {};
  const bool in_azure = IsInAzure(content.warehouse), is_example = fields.empty();
  if (is_example) fields.emplace_back(in_azure ? kAccountKey : "region: eu-central-1");
  const std::string_view credentials = IsAtGoogle(content.warehouse) ? ""
                                       : in_azure ? "  # without account_key what Azure's tools find: environment, workload or managed identity"
                                                  : "  # role_arn; access_key and secret_key: ${secret:file:NAME}; else the credentials that AWS tools find";
  return fmt::format("    {}storage: {{ {} }}{}\n", is_example ? "# " : "", fmt::join(fields, ", "), credentials);
}

std::string CatalogLine(const ConfigTemplate& content) {
  if (content.catalog_path.empty()) return "    catalog: { type: sqlite, name: sluice }    # <warehouse>/catalog.db; readers load it under this name\n";
  return fmt::format("    catalog: {{ type: sqlite, name: sluice, path: {} }}  # a bucket cannot hold it: back it up\n", Scalar(content.catalog_path));
}

std::string SinkSection(ConfigTemplate& content) {
  std::string yaml = "sinks:\n";
  if (content.replica) {
    yaml += "  replica:\n    type: postgres\n" + Connection(*content.replica, "replica", content);
    yaml += "    commit: { interval: 0s, max_bytes: 32MiB }  # 0s: as soon as nothing more is queued\n";
  }
  if (!content.warehouse.empty()) {
    yaml += fmt::format(
        "  lake:\n"
        "    type: iceberg\n"
        "    warehouse: {}\n"
        "{}{}"
        "    commit: {{ interval: 60s, max_bytes: 128MiB }}\n"
        "    partition: [\"day(_ingested_at)\"]           # any Iceberg transform; per table below\n"
        "    # sort: [facility_id]                       # of the rows of each file, so that readers skip more; per table below\n"
        "    # readers: [athena, redshift, spark]          # who reads it: tables do without what these lack\n"
        "    files: {{ target_size: 128MiB, compression: zstd, level: 1 }}\n"
        "    snapshots: {{ keep: 100 }}                   # older ones expire in the commit that makes a new one\n"
        "    tags: {{ hourly: 24, daily: 7 }}             # moments of all tables that stay longer, by name; 0: none\n"
        "    # changes: {{ tables: [public.player] }}      # every version of their rows too, in NAME_changes\n"
        "    manifests: {{ merge_at: 30 }}\n"
        "    maintenance: {{ max_rate: 64MiB, merge_at: 8, deleted_percent: 30 }}  # small and worn files are written again beside the stream\n"
        "    index: {{ max_memory: 32MiB }}                # of all tables; what goes beyond it is in files below .sluice\n"
        "    # map:                                      # names, columns, masks and rows of this sink: sluice help mapping\n"
        "    #   - {{ table: public.player, to: crm.players, columns: {{ exclude: [photo], mask: {{ phone: {{ partial: {{ keep_last: 2 }} }} }} }} }}\n",
        Scalar(content.warehouse), Storage(content), CatalogLine(content));
  }
  return yaml + "\n";
}

std::string PipelineSection(const ConfigTemplate& content) {
  std::string to = content.replica ? "replica" : "";
  if (!content.warehouse.empty()) to += to.empty() ? "lake" : ", lake";
  return fmt::format(
      "pipelines:\n"
      "  main:\n"
      "    from: source\n"
      "    to: [{}]\n"
      "    tables:\n"
      "      include: [\"*.*\"]                          # namespace.table, with * and ?\n"
      "      exclude: []\n"
      "      without_identity: append-only            # tables that PostgreSQL would not let be updated once published: or refuse\n"
      "      watch: 30s                               # how soon a new table of the source joins, and a changed one is noticed\n"
      "    queue: {{ max_bytes: 64MiB }}                # per sink; a full one slows the reader\n"
      "    verify: {{ every: 24h, max_rate: 16MiB }}    # each table compared so often, reading so much a second; 0s: never\n"
      "    # table_options:\n"
      "    #   public.events:\n"
      "    #     lake: {{ partition: [\"day(created_at)\", \"bucket(16, customer_id)\"] }}\n\n",
      to);
}

}  // namespace

void FillTemplate(ConfigTemplate& content) {
  content.yaml = fmt::format(
      "# Written by sluice init. Every field here may be changed; sluice check tells whether it is right.\n"
      "#   ${{NAME}} and ${{NAME:-default}} take environment variables, ${{secret:file:NAME}} reads .sluice/secrets/NAME.\n"
      "#   Durations: 500ms 30s 5m 24h 7d. Sizes: 64MiB 40GiB. More: sluice help config, sluice help fields\n"
      "version: 1\n"
      "project: {}\n\n",
      Scalar(content.project));
  content.yaml += SourceSection(content) + SinkSection(content) + PipelineSection(content);
  content.yaml += "# serve:                                         # Iceberg's REST protocol for readers: one URL\n#   catalog: { listen: 127.0.0.1:8181 }\n\n"
                  "observe:\n  logs: { level: info, format: auto }           # auto: text on a terminal, else JSON\n";
}

}  // namespace sluice::cli
