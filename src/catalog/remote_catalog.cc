#include "catalog/remote_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/failpoint.h"
#include "base/parallel.h"
#include "catalog/namespace_levels.h"
#include "catalog/rest_answers.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"
#include "iceberg/table_update_json.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kPagesMax = 10'000;
constexpr size_t kNamesMax = 1'000'000;
constexpr size_t kLevelsMax = 16;
constexpr size_t kLoadThreads = 4;

Error Conflict(std::string message, std::string evidence = "") { return Error{ErrorKind::kConflict, std::move(message), slu::kCatalogConflict, std::move(evidence)}; }

Error Unknown(std::string evidence) {
  return Error{ErrorKind::kOutcomeUnknown, "it is not known whether a commit to the lake's catalog went through", slu::kCatalogUnknown, std::move(evidence)};
}

Error NoNamespace(const std::string& name_space, const std::string& words) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("the catalog has no namespace '{}'", name_space), slu::kCatalogNoNamespace, words};
}

Error NoCommits(std::string words) {
  return Error{ErrorKind::kNeedsOperator, "the REST catalog takes no commits: neither of several tables nor of one", slu::kRestNoCommits, std::move(words)};
}

Error NoTransactions(std::string words) {
  return Error{ErrorKind::kNeedsOperator, "the REST catalog does not have POST /v1/{prefix}/transactions/commit, but does not say so", slu::kRestNoCommits, std::move(words)};
}

// Makes a table tell whose request made it, where the server gives it its UUID.
constexpr char kCreatedAs[] = "sluice-created-as";

Json IdentifierOf(const TableIdentifier& table) { return {{"namespace", LevelsOf(table.name_space)}, {"name", table.name}}; }

template <class Update>
bool Has(const std::vector<iceberg::TableUpdate>& updates) {
  return std::any_of(updates.begin(), updates.end(), [](const auto& update) { return std::holds_alternative<Update>(update); });
}

template <class Requirement>
bool Has(const std::vector<iceberg::TableRequirement>& requirements) {
  return std::any_of(requirements.begin(), requirements.end(), [](const auto& one) { return std::holds_alternative<Requirement>(one); });
}

/// A server applies the updates to the table as it is by then, not to the one that they were made for, so that is required to be the same.
std::vector<iceberg::TableRequirement> RequirementsOf(const TableCommit& commit) {
  std::vector<iceberg::TableRequirement> requirements = commit.requirements;
  if (!commit.base.metadata) return requirements;
  const iceberg::TableMetadata& base = *commit.base.metadata;
  if (!Has<iceberg::AssertRefSnapshotId>(requirements)) requirements.emplace_back(iceberg::AssertRefSnapshotId{iceberg::kMainBranch, base.current_snapshot_id});
  if (Has<iceberg::AddSchema>(commit.updates)) {
    requirements.emplace_back(iceberg::AssertCurrentSchemaId{base.current_schema_id});
    requirements.emplace_back(iceberg::AssertLastAssignedFieldId{base.last_column_id});
  }
  if (Has<iceberg::AddPartitionSpec>(commit.updates)) requirements.emplace_back(iceberg::AssertDefaultSpecId{base.default_spec_id});
  return requirements;
}

/// With the numbers that new schemas and partition specs will have: some servers take them as they are sent. What is there already
/// is not added again.
class Numbered {
 public:
  explicit Numbered(const iceberg::TableMetadata& base) : base_(base) {}

  std::optional<iceberg::TableUpdate> operator()(iceberg::AddSchema update) {
    const bool is_new = Place(base_.schemas, update.schema, schema_id_, [&](const iceberg::Schema& other) { return other.SameColumns(update.schema); });
    return is_new ? std::optional<iceberg::TableUpdate>(std::move(update)) : std::nullopt;
  }
  std::optional<iceberg::TableUpdate> operator()(iceberg::AddPartitionSpec update) {
    const bool is_new = Place(base_.specs, update.spec, spec_id_, [&](const iceberg::PartitionSpec& other) { return other.fields == update.spec.fields; });
    return is_new ? std::optional<iceberg::TableUpdate>(std::move(update)) : std::nullopt;
  }
  std::optional<iceberg::TableUpdate> operator()(iceberg::SetCurrentSchema update) {
    if (update.schema_id < 0) update.schema_id = schema_id_;
    return update;
  }
  std::optional<iceberg::TableUpdate> operator()(iceberg::SetDefaultSpec update) {
    if (update.spec_id < 0) update.spec_id = spec_id_;
    return update;
  }
  template <class Update>
  std::optional<iceberg::TableUpdate> operator()(Update update) {
    return update;
  }

 private:
  /// `last_id`: what -1 means afterwards; where it is added, -1 itself.
  template <class List, class Item, class IsSame>
  static bool Place(const List& list, Item& item, int32_t& last_id, IsSame&& is_same) {
    item.id = 0;
    for (const auto& other : list) {
      if (is_same(other)) {
        last_id = other.id;
        return false;
      }
      item.id = std::max(item.id, other.id + 1);
    }
    last_id = -1;
    return true;
  }

  const iceberg::TableMetadata& base_;
  int32_t schema_id_ = -1;
  int32_t spec_id_ = -1;
};

Json ToJson(const TableCommit& commit) {
  Json json = {{"identifier", IdentifierOf(commit.table)}, {"requirements", Json::array()}, {"updates", Json::array()}};
  for (const auto& requirement : RequirementsOf(commit)) json["requirements"].push_back(iceberg::ToJson(requirement));
  static const auto* const nothing = new iceberg::TableMetadata();
  const iceberg::TableMetadata& base = commit.base.metadata ? *commit.base.metadata : *nothing;
  Numbered numbered(base);
  for (const auto& update : commit.updates)
    if (const auto sent = std::visit(numbered, update)) json["updates"].push_back(iceberg::ToJson(*sent, base.last_column_id));
  return json;
}

/// As createTable wants it.
Json CreationOf(const TableIdentifier& table, const iceberg::TableMetadata& wanted) {
  Json properties = wanted.properties;
  properties["format-version"] = std::to_string(wanted.format_version);
  properties[kCreatedAs] = wanted.table_uuid;
  return {{"name", table.name}, {"location", wanted.location}, {"schema", iceberg::ToJson(wanted.schema())}, {"partition-spec", iceberg::ToJson(wanted.spec())},
          {"stage-create", false}, {"properties", std::move(properties)}};
}

bool WasMadeAs(const iceberg::TableMetadata& made, const iceberg::TableMetadata& wanted) {
  const auto created_as = made.properties.find(kCreatedAs);
  return made.table_uuid == wanted.table_uuid || (created_as != made.properties.end() && created_as->second == wanted.table_uuid);
}

/// What main is after the commit.
std::optional<int64_t> MainAfter(const TableCommit& commit) {
  std::optional<int64_t> main = commit.base.metadata ? commit.base.metadata->current_snapshot_id : std::nullopt;
  for (const auto& update : commit.updates) {
    const auto* const set = std::get_if<iceberg::SetSnapshotRef>(&update);
    if (set != nullptr && set->ref_name == iceberg::kMainBranch) main = set->ref.snapshot_id;
  }
  return main;
}

// Where each table is committed alone, nothing keeps a request of an ended process from coming late.
Error KeepOrphans(const std::string& uri, bool keeps_branches) {
  return {ErrorKind::kNeedsOperator, fmt::format("{} may need files that no table names", uri), slu::kRestRejected, "",
          keeps_branches ? "It is a Nessie, whose branches and history have files that its tables don't name." : "It commits each table alone, so that a request of an ended process may still come.",
          {"orphans: keep    # in the sink's catalog"}};
}

Status AfterCommit() {
  SLUICE_FAILPOINT("catalog.after_commit");
  return Ok();
}

}  // namespace

Result<std::unique_ptr<RemoteCatalog>> RemoteCatalog::Open(const RestCatalogConfig& config, const StorageConfig& storage, ObjectStore& store, CatalogAccess access,
                                                           RestLimits limits) {
  auto clock = std::make_unique<const SystemClock>();
  ASSIGN_OR_RETURN(auto connection, RestConnection::Open(config, storage, *clock, limits));
  if (access == CatalogAccess::kWrite && !connection->offers_commits()) return NoCommits(config.uri);
  if (access == CatalogAccess::kWrite && config.signing_service == "s3tables")
    return Error{ErrorKind::kNeedsOperator, "S3 Tables gives each table a bucket of its own, outside of the lake's warehouse", slu::kRestLocation, config.uri};
  if (config.removes_orphans && (connection->keeps_branches() || !connection->offers_transactions())) return KeepOrphans(config.uri, connection->keeps_branches());
  const NameRules names = config.signing_service.empty() ? NameRules::kProtocol : NameRules::kAws;
  return std::unique_ptr<RemoteCatalog>(new RemoteCatalog(std::move(clock), std::move(connection), store, access, names, config.removes_orphans));
}

int64_t RemoteCatalog::NowMs() const { return std::chrono::duration_cast<std::chrono::milliseconds>(clock_->Now().time_since_epoch()).count(); }

Status RemoteCatalog::RefuseToRead() const {
  if (access_ == CatalogAccess::kWrite) return Ok();
  return Error{ErrorKind::kNeedsOperator, "the catalog was opened to be read", slu::kCatalogFailed};
}

std::string RemoteCatalog::DefaultLocation(const TableIdentifier& table) const {
  return fmt::format("{}/{}/{}", store_.root_uri(), SafePathSegment(table.name_space), SafePathSegment(table.name));
}

Status RemoteCatalog::CreateNamespace(const std::string& name_space) {
  RETURN_IF_ERROR(RefuseToRead());
  RETURN_IF_ERROR(CheckName(names_, name_space));
  std::vector<std::string> levels;
  for (std::string& level : LevelsOf(name_space)) {
    levels.push_back(std::move(level));
    const Json body = {{"namespace", levels}, {"properties", Json::object()}};
    ASSIGN_OR_RETURN(const RestAnswer answer, connection_->Ask("POST", "namespaces", &body));
    if (!answer.ok() && answer.status != 409)
      return Error{ErrorKind::kNeedsOperator, fmt::format("the REST catalog makes no namespace '{}'", name_space), slu::kRestRejected, answer.words};
  }
  return Ok();
}

Result<std::optional<iceberg::Properties>> RemoteCatalog::NamespaceProperties(const std::string& name_space) {
  ASSIGN_OR_RETURN(const std::optional<Ledger> ledger, LoadLedger(name_space));
  if (ledger) return std::optional(ledger->properties());
  ASSIGN_OR_RETURN(const RestAnswer answer, connection_->Ask("GET", connection_->NamespacePath(name_space)));
  if (!answer.ok()) return std::optional<iceberg::Properties>();
  ASSIGN_OR_RETURN(iceberg::Properties properties, NamespacePropertiesFrom(answer.json));
  return std::optional(std::move(properties));
}

Result<std::vector<std::string>> RemoteCatalog::List(const std::string& path, Result<ListPage> (*page_from)(const Json&)) {
  std::vector<std::string> names;
  std::string next;
  for (size_t page = 0; page < kPagesMax && names.size() < kNamesMax; ++page) {
    const char separator = path.find('?') == std::string::npos ? '?' : '&';
    ASSIGN_OR_RETURN(const RestAnswer answer, connection_->Ask("GET", next.empty() ? path : fmt::format("{}{}pageToken={}", path, separator, PercentEncode(next))));
    if (!answer.ok()) return names;  // Dropped by now.
    ASSIGN_OR_RETURN(ListPage listed, page_from(answer.json));
    std::move(listed.names.begin(), listed.names.end(), std::back_inserter(names));
    next = std::move(listed.next);
    if (next.empty()) return names;
  }
  return Error{ErrorKind::kCorrupt, "a list of the REST catalog has no end", slu::kRestAnswer};
}

Status RemoteCatalog::ListBelow(const std::string& parent, size_t depth, std::vector<std::string>& names) {
  const size_t first = names.size();
  ASSIGN_OR_RETURN(std::vector<std::string> children, List(parent.empty() ? "namespaces" : "namespaces?parent=" + connection_->EncodedLevels(parent), NamespacesFrom));
  // Servers that don't know of levels list the same again.
  if (!parent.empty()) std::erase_if(children, [&](const std::string& name) { return !name.starts_with(parent + "."); });
  std::move(children.begin(), children.end(), std::back_inserter(names));
  if (names.size() > kNamesMax) return Error{ErrorKind::kCorrupt, "the REST catalog has too many namespaces", slu::kRestAnswer};
  if (depth >= (names_ == NameRules::kAws ? 1 : kLevelsMax)) return Ok();
  for (size_t i = first, end = names.size(); i < end; ++i) {
    const std::string name = names[i];
    RETURN_IF_ERROR(ListBelow(name, depth + 1, names));
  }
  return Ok();
}

Result<std::vector<std::string>> RemoteCatalog::ListNamespaces() {
  std::vector<std::string> names;
  RETURN_IF_ERROR(ListBelow("", 1, names));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<std::vector<TableIdentifier>> RemoteCatalog::ListTables(const std::string& name_space) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, List(connection_->NamespacePath(name_space) + "/tables", TablesFrom));
  std::vector<TableIdentifier> tables;
  for (std::string& name : names)
    if (name != kLedgerTable) tables.push_back({name_space, std::move(name)});
  std::sort(tables.begin(), tables.end());
  return tables;
}

Result<std::optional<std::string>> RemoteCatalog::MetadataLocation(const TableIdentifier& table) {
  ASSIGN_OR_RETURN(const RestAnswer answer, connection_->Ask("GET", connection_->TablePath(table.name_space, table.name) + "?snapshots=refs"));
  if (!answer.ok()) return std::optional<std::string>();
  ASSIGN_OR_RETURN(std::string location, MetadataLocationFrom(answer.json));
  return std::optional(std::move(location));
}

Result<std::optional<CatalogTable>> RemoteCatalog::LoadTable(const TableIdentifier& table) {
  ASSIGN_OR_RETURN(const RestAnswer answer, connection_->Ask("GET", connection_->TablePath(table.name_space, table.name)));
  if (!answer.ok()) return std::optional<CatalogTable>();
  auto loaded = TableFrom(answer.json);
  if (!loaded.ok()) {
    Error error = std::move(loaded).error();
    error.message = fmt::format("table {}: {}", ToString(table), error.message);
    return error;
  }
  return std::optional(*std::move(loaded));
}

Status RemoteCatalog::DropTable(const TableIdentifier& table) {
  RETURN_IF_ERROR(RefuseToRead());
  ASSIGN_OR_RETURN(const RestAnswer answer, connection_->Ask("DELETE", connection_->TablePath(table.name_space, table.name) + "?purgeRequested=false"));
  if (answer.ok() || answer.status == 404) return Ok();
  return Conflict(fmt::format("table {} cannot be dropped", ToString(table)), answer.words);
}

Result<std::vector<CatalogTable>> RemoteCatalog::Commit(const std::vector<TableCommit>& tables, const std::optional<NamespaceUpdate>& name_space) {
  RETURN_IF_ERROR(RefuseToRead());
  SLUICE_CHECK(commits_many_tables() || tables.size() + (name_space ? 1 : 0) <= 1);
  if (!name_space) return CommitAlone(tables);
  const std::lock_guard lock(mutex_);
  SLUICE_FAILPOINT("catalog.before_commit");
  RETURN_IF_ERROR(CommitWithLedger(tables, *name_space));
  // Whatever goes wrong from here on must not look as if nothing had happened.
  if (const Status after = AfterCommit(); !after.ok()) return Unknown(after.error().message);
  return LoadCommitted(tables);
}

Result<std::optional<Ledger>> RemoteCatalog::LoadLedger(const std::string& name_space) {
  const TableIdentifier id{name_space, kLedgerTable};
  ASSIGN_OR_RETURN(auto loaded, LoadTable(id));
  const bool is_made = loaded && (commits_many_tables() || !Ledger::IsEmpty(*loaded));
  if (!is_made) return std::optional<Ledger>();
  ASSIGN_OR_RETURN(Ledger ledger, Ledger::From(id, *std::move(loaded)));
  return std::optional(std::move(ledger));
}

Result<Ledger> RemoteCatalog::MakeLedger(const std::string& name_space) {
  const TableIdentifier id{name_space, kLedgerTable};
  std::optional<CatalogTable> empty;
  if (!commits_many_tables()) {
    ASSIGN_OR_RETURN(empty, MakeEmptyLedger(id));
  }
  const LedgerChange made = empty ? Ledger::MakeFirst(id, *empty, NowMs()) : Ledger::Make(id, DefaultLocation(id), NowMs());
  RETURN_IF_ERROR(store_.PutAll(made.files));
  const auto created = empty ? CommitOne(made.commit) : Create(made.commit);
  if (!created.ok() && created.error().kind != ErrorKind::kConflict) return created.error();
  ASSIGN_OR_RETURN(std::optional<Ledger> ledger, LoadLedger(name_space));
  if (!ledger) return Error{ErrorKind::kUnavailable, fmt::format("table {} is gone as soon as it is made", ToString(id)), slu::kRestUnavailable};
  return *std::move(ledger);
}

Result<CatalogTable> RemoteCatalog::MakeEmptyLedger(const TableIdentifier& id) {
  ASSIGN_OR_RETURN(auto left, LoadTable(id));  // By whoever was killed before the second step.
  if (!left) {
    ASSIGN_OR_RETURN(const auto created, Create(Ledger::MakeEmpty(id, DefaultLocation(id))));
    left = created.front();
  }
  if (Ledger::IsEmpty(*left)) return *std::move(left);
  return Conflict(fmt::format("table {} was made by another process just now", ToString(id)));
}

/// As it was when it was last seen, unless that contradicts what is expected.
Result<Ledger> RemoteCatalog::KnownLedger(const NamespaceUpdate& update) {
  const auto known = ledgers_.find(update.name_space);
  if (known != ledgers_.end() && known->second.CheckExpected(update).ok()) return known->second;
  ASSIGN_OR_RETURN(std::optional<Ledger> loaded, LoadLedger(update.name_space));
  if (!loaded) {
    ASSIGN_OR_RETURN(loaded, MakeLedger(update.name_space));
  }
  return *std::move(loaded);
}

/// It is sent again as it is until it is known what became of it: of two that arrive the second is refused, since both require the
/// same snapshot to be current.
Result<std::vector<CatalogTable>> RemoteCatalog::CommitOne(const TableCommit& commit) {
  const iceberg::TableMetadata& base = *commit.base.metadata;
  const std::optional<int64_t> main = MainAfter(commit);
  const bool is_new = main && base.FindSnapshot(*main) == nullptr;
  bool may_arrive = false;
  std::string words;
  for (int attempt = 0; attempt < connection_->attempts_max(); ++attempt) {
    connection_->PauseBefore(attempt);
    const auto answer = connection_->Change(connection_->TablePath(commit.table.name_space, commit.table.name), ToJson(commit));
    if (answer.ok() && answer->ok()) return LoadCommitted({commit});
    words = answer.ok() ? answer->words : answer.error().evidence;
    if (!answer.ok() && answer.error().kind != ErrorKind::kOutcomeUnknown) return may_arrive ? Unknown(std::move(words)) : answer.error();
    may_arrive |= !answer.ok();
    const auto now = LoadTable(commit.table);
    if (!now.ok()) return Unknown(now.error().message);
    if (*now && (*now)->metadata->table_uuid == base.table_uuid) {
      const iceberg::TableMetadata& metadata = *(*now)->metadata;
      if (is_new && metadata.current_snapshot_id == main) return std::vector<CatalogTable>{**now};
      if (is_new && metadata.FindSnapshot(*main) != nullptr) return Unknown("others have committed since");
      const bool is_as_before = metadata.current_snapshot_id == base.current_snapshot_id;
      if (!is_new && may_arrive) return Unknown(std::move(words));
      if (is_as_before && !answer.ok()) continue;
    }
    return Conflict(fmt::format("table {} was changed by another writer, or is gone", ToString(commit.table)), std::move(words));
  }
  return Unknown(std::move(words));
}

/// Without a ledger nothing tells what became of a request that got no answer, unless it is of one table.
Result<std::vector<CatalogTable>> RemoteCatalog::CommitAlone(const std::vector<TableCommit>& tables) {
  RETURN_IF_ERROR(store_.PutAll({}));  // What was put later.
  if (tables.size() == 1 && !tables.front().base.metadata) return Create(tables.front());
  if (!commits_many_tables() && tables.size() == 1) return CommitOne(tables.front());
  const bool is_one = tables.size() == 1;
  Json body = is_one ? ToJson(tables.front()) : Json{{"table-changes", Json::array()}};
  if (!is_one)
    for (const TableCommit& commit : tables) body["table-changes"].push_back(ToJson(commit));
  const auto answer = connection_->Change(is_one ? connection_->TablePath(tables.front().table.name_space, tables.front().table.name) : "transactions/commit", body);
  if (!answer.ok()) return answer.error().kind == ErrorKind::kOutcomeUnknown ? Unknown(answer.error().evidence) : answer.error();
  if (!answer->ok()) return Conflict("a table was changed by another writer, or is gone", answer->words);
  return LoadCommitted(tables);
}

Result<std::vector<CatalogTable>> RemoteCatalog::Create(const TableCommit& commit) {
  const TableIdentifier& table = commit.table;
  RETURN_IF_ERROR(CheckName(names_, table));
  ASSIGN_OR_RETURN(const iceberg::TableMetadata wanted, iceberg::ApplyUpdates(nullptr, commit.updates, NowMs()));
  // Not every server knows commits that make a table.
  const auto answer = commits_many_tables() ? connection_->Change(connection_->TablePath(table.name_space, table.name), ToJson(commit))
                                            : connection_->Change(connection_->NamespacePath(table.name_space) + "/tables", CreationOf(table, wanted));
  if (!answer.ok() && answer.error().kind != ErrorKind::kOutcomeUnknown) return answer.error();
  if (answer.ok() && answer->status == 404) return NoNamespace(table.name_space, answer->words);
  // Also of a conflict: the table may be ours, made by a request whose answer somebody on the way lost.
  auto loaded = LoadTable(table);
  if (!loaded.ok()) return Unknown(loaded.error().message);
  if (!*loaded) return answer.ok() ? Conflict(fmt::format("table {} cannot be made", ToString(table)), answer->words) : Unknown(answer.error().evidence);
  const iceberg::TableMetadata& made = *(*loaded)->metadata;
  if (!WasMadeAs(made, wanted)) return Conflict(fmt::format("table {} exists already", ToString(table)));
  Error unusable{ErrorKind::kNeedsOperator, "", slu::kRestLocation};
  if (!made.location.starts_with(store_.root_uri() + "/")) unusable.message = fmt::format("the REST catalog puts table {} at {}, outside of the lake's warehouse {}", ToString(table), made.location, store_.root_uri());
  else if (!made.schema().SameColumns(wanted.schema())) unusable.message = fmt::format("the REST catalog gives the columns of table {} other numbers than asked for", ToString(table));
  if (unusable.message.empty()) return std::vector<CatalogTable>{**std::move(loaded)};
  static_cast<void>(DropTable(table).ok());
  return unusable;
}

// The ledger is last: a server that is not as good as its word then leaves tables ahead of the bookmark, never behind.
Result<RestAnswer> RemoteCatalog::Send(const std::vector<TableCommit>& tables, const TableCommit& ledger) {
  if (!commits_many_tables()) return connection_->Change(connection_->TablePath(ledger.table.name_space, ledger.table.name), ToJson(ledger));
  Json body = {{"table-changes", Json::array()}};
  for (const TableCommit& commit : tables) body["table-changes"].push_back(ToJson(commit));
  body["table-changes"].push_back(ToJson(ledger));
  return connection_->Change("transactions/commit", body);
}

Status RemoteCatalog::CommitWithLedger(const std::vector<TableCommit>& tables, const NamespaceUpdate& update) {
  for (int attempt = 0;; ++attempt) {
    connection_->PauseBefore(attempt);
    ASSIGN_OR_RETURN(Ledger ledger, KnownLedger(update));
    ledgers_.erase(update.name_space);
    RETURN_IF_ERROR(ledger.CheckExpected(update));
    const LedgerChange change = ledger.Change(update, NowMs());
    RETURN_IF_ERROR(store_.PutAll(change.files));  // With what was put later.
    const auto answer = Send(tables, change.commit);
    if (answer.ok() && answer->ok()) {
      for (const std::string& uri : change.forgotten) static_cast<void>(store_.Remove(uri).ok());
      if (!change.files.empty()) return Ok();  // Loaded anew when it is needed.
      ledger.Apply(update, change.commit_uuid);
      ledgers_.emplace(update.name_space, std::move(ledger));
      return Ok();
    }
    if (answer.ok()) {
      // Somebody on the way may have sent it twice, and lost the first answer.
      const auto now = LoadLedger(update.name_space);
      if (!now.ok() || !*now) return Unknown(now.ok() ? answer->words : now.error().message);
      const std::optional<bool> holds = (*now)->Holds(change.commit_uuid, ledger.snapshot());
      if (!holds) return Unknown(answer->words);
      if (*holds) return Ok();
      if (answer->status == 404 && tables.empty()) return NoTransactions(answer->words);
      RETURN_IF_ERROR((*now)->CheckExpected(update));
      return Conflict("a table was changed by another writer, or is gone", answer->words);
    }
    if (answer.error().kind != ErrorKind::kOutcomeUnknown) return answer.error();
    const auto happened = Settle(update.name_space, change.commit_uuid, ledger.snapshot());
    if (!happened.ok()) return happened.error();
    if (*happened) return Ok();
    if (attempt + 1 >= connection_->attempts_max()) {
      Error failed = answer.error();
      failed.kind = ErrorKind::kUnavailable;
      return failed;
    }
  }
}

Result<bool> RemoteCatalog::Settle(const std::string& name_space, const std::string& commit_uuid, int64_t snapshot) {
  std::string words;
  for (int attempt = 0; attempt < connection_->attempts_max(); ++attempt) {
    connection_->PauseBefore(attempt);
    const auto ledger = LoadLedger(name_space);
    if (!ledger.ok() || !*ledger) return Unknown(ledger.ok() ? "its ledger is gone" : ledger.error().message);
    const std::optional<bool> holds = (*ledger)->Holds(commit_uuid, snapshot);
    if (!holds) return Unknown("others have committed since");
    if (*holds) return true;
    if ((*ledger)->snapshot() != snapshot) return false;
    // It may be on its way still. Once the snapshot is another one it comes too late.
    const LedgerChange fence = (*ledger)->Fence(NowMs());
    if (const Status written = store_.PutAll(fence.files); !written.ok()) return Unknown(written.error().message);
    const auto answer = Send({}, fence.commit);
    words = answer.ok() ? answer->words : answer.error().evidence;
  }
  return Unknown(words);
}

Result<std::vector<CatalogTable>> RemoteCatalog::LoadCommitted(const std::vector<TableCommit>& tables) {
  std::vector<CatalogTable> loaded(tables.size());
  std::vector<std::function<Status()>> tasks;
  for (size_t i = 0; i < tables.size(); ++i)
    tasks.emplace_back([&, i]() -> Status {
      ASSIGN_OR_RETURN(auto table, LoadTable(tables[i].table));
      const bool is_ours = table && tables[i].base.metadata && table->metadata->table_uuid == tables[i].base.metadata->table_uuid &&
                           table->metadata->current_snapshot_id == MainAfter(tables[i]);
      if (!is_ours) return Conflict(fmt::format("table {} was changed by another writer right after a commit", ToString(tables[i].table)));
      loaded[i] = *std::move(table);
      return Ok();
    });
  if (const Status done = RunParallel(tasks, kLoadThreads); !done.ok()) return Unknown(done.error().message);
  return loaded;
}

}  // namespace sluice
