#include "audit/metadata_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "audit/rules.h"

namespace sluice::audit {
namespace {

constexpr int64_t kClockSkewMs = 60'000;             // That Java tolerates.
constexpr int64_t kHighestUserId = 2'147'483'447;    // Above are the ids of metadata columns.
constexpr int64_t kFirstPartitionId = 1000;

/// Checks one metadata file; its parts share where findings go.
class MetadataCheck {
 public:
  MetadataCheck(const Json& metadata, const TableFacts& facts, const std::string& file, Findings& findings)
      : metadata_(metadata), facts_(facts), file_(file), findings_(findings) {}

  void Run() {
    CheckMembers();
    CheckSchemas();
    CheckSpecs();
    CheckSortOrders();
    CheckSnapshots();
    CheckRefs();
    CheckLog();
    CheckRowIds();
  }

 private:
  void Add(const Rule& rule, std::string what) { findings_.Add(rule, file_, std::move(what)); }

  void CheckMembers() {
    for (const char* const name : {"table-uuid", "location"})
      if (!Text(metadata_, name) || Text(metadata_, name)->empty()) Add(kMissingMember, fmt::format("it has no text '{}'", name));
    for (const char* const name : {"format-version", "last-sequence-number", "last-updated-ms", "last-column-id", "current-schema-id", "default-spec-id", "last-partition-id", "default-sort-order-id"})
      if (!Number(metadata_, name)) Add(kMissingMember, fmt::format("it has no number '{}'", name));
    for (const char* const name : {"schemas", "partition-specs", "sort-orders"})
      if (Array(metadata_, name).empty()) Add(kMissingMember, fmt::format("it has no list '{}'", name));
    if (facts_.format_version != 0 && (facts_.format_version < 1 || facts_.format_version > 3))
      Add(kMissingMember, fmt::format("its format version is {}, which is not known", facts_.format_version));
  }

  void CheckSchemas() {
    int64_t highest = 0;
    std::set<int64_t> ids;
    for (const Json& schema : Array(metadata_, "schemas")) {
      const auto id = Number(schema, "schema-id");
      if (!id) Add(kSchema, "a schema has no schema-id");
      else if (!ids.insert(*id).second) Add(kSchema, fmt::format("two schemas have the id {}", *id));
      field_ids_.clear();
      CheckFields(schema, "", fmt::format("schema {}", id.value_or(-1)), 0);
      CheckIdentifiers(schema, id.value_or(-1));
      if (!field_ids_.empty()) highest = std::max(highest, *field_ids_.rbegin());
    }
    if (const auto last = Number(metadata_, "last-column-id"); last && *last < highest)
      Add(kColumnIds, fmt::format("last-column-id is {}, but a column has the id {}", *last, highest));
    const auto current = facts_.schemas.find(facts_.current_schema_id);
    if (current == facts_.schemas.end()) return Add(kSchema, fmt::format("the current schema {} is not among its schemas", facts_.current_schema_id));
    const auto json = facts_.schema_json.find(facts_.current_schema_id);
    CheckNames(json->second);
  }

  void CheckFields(const Json& owner, const std::string& path, const std::string& schema, int level) {
    for (const Json& field : Array(owner, "fields")) {
      const std::string name = path + Text(field, "name").value_or("?");
      if (!Text(field, "name") || Text(field, "name")->empty()) Add(kSchema, fmt::format("{} has a column without a name", schema));
      const Json* required = Member(field, "required");
      if (required == nullptr || !required->is_boolean()) Add(kSchema, fmt::format("column {} of {} does not say whether it is required", name, schema));
      CheckId(Number(field, "id"), name, schema);
      CheckType(Member(field, "type"), name, schema, level);
    }
  }

  void CheckId(const std::optional<int64_t>& id, const std::string& name, const std::string& schema) {
    if (!id) return Add(kSchema, fmt::format("column {} of {} has no field id", name, schema));
    if (*id < 1 || *id > kHighestUserId) Add(kColumnIds, fmt::format("column {} of {} has the id {}, which columns may not have", name, schema, *id));
    if (!field_ids_.insert(*id).second) Add(kColumnIds, fmt::format("the id {} of column {} is given twice in {}", *id, name, schema));
  }

  void CheckType(const Json* type, const std::string& name, const std::string& schema, int level) {
    if (level > 32) return Add(kSchema, fmt::format("column {} of {} is nested too deeply", name, schema));
    if (type == nullptr) return Add(kSchema, fmt::format("column {} of {} has no type", name, schema));
    if (type->is_string()) {
      if (!IsPrimitive(type->get<std::string>(), facts_.format_version))
        Add(kSchema, fmt::format("column {} of {} has the type '{}', which format {} does not have", name, schema, type->get<std::string>(), facts_.format_version));
      return;
    }
    const std::string kind = Text(*type, "type").value_or("");
    if (kind == "struct") return CheckFields(*type, name + ".", schema, level + 1);
    if (kind == "list") return CheckPart(*type, "element", name, schema, level);
    if (kind == "map") {
      CheckPart(*type, "key", name, schema, level);
      return CheckPart(*type, "value", name, schema, level);
    }
    if (IsPrimitive(kind, facts_.format_version)) Add(kTypeSpelling, fmt::format("column {} of {} spells its type as an object, {{\"type\": \"{}\"}}", name, schema, kind));
    else Add(kSchema, fmt::format("column {} of {} has no type that is known", name, schema));
  }

  void CheckPart(const Json& type, const char* part, const std::string& name, const std::string& schema, int level) {
    CheckId(Number(type, fmt::format("{}-id", part).c_str()), name + "." + part, schema);
    CheckType(Member(type, part), name + "." + part, schema, level + 1);
  }

  void CheckIdentifiers(const Json& schema, int64_t schema_id) {
    const auto columns = facts_.schemas.find(schema_id);
    if (columns == facts_.schemas.end()) return;
    for (const Json& id : Array(schema, "identifier-field-ids")) {
      const auto column = columns->second.find(AsNumber(id).value_or(-1));
      if (column == columns->second.end()) {
        Add(kSchema, fmt::format("an identifier field of schema {} is no column of it", schema_id));
        continue;
      }
      const ColumnFacts& facts = column->second;
      const bool fits = facts.required && !facts.in_collection && facts.type != "float" && facts.type != "double" && IsPrimitive(facts.type, facts_.format_version);
      if (!fits) Add(kSchema, fmt::format("identifier field {} of schema {} is optional, a float or nested", facts.path, schema_id));
    }
  }

  // Of the columns at the top; inside of a struct readers are alike.
  void CheckNames(const Json& schema) {
    static constexpr std::array<std::string_view, 10> kReserved = {"_file", "_pos", "_deleted", "_spec_id", "_partition", "_row_id", "_last_updated_sequence_number",
                                                                   "_change_type", "_change_ordinal", "_commit_snapshot_id"};
    std::map<std::string, std::string> seen;
    for (const Json& field : Array(schema, "fields")) {
      const std::string name = Text(field, "name").value_or("");
      std::string lower = name;
      std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c); });
      const auto [other, is_new] = seen.emplace(lower, name);
      if (!is_new && other->second == name) Add(kSchema, fmt::format("two columns are named {}", name));
      else if (!is_new) Add(kNamesByCase, fmt::format("columns {} and {} differ by case alone", other->second, name));
      if (std::find(kReserved.begin(), kReserved.end(), lower) != kReserved.end()) Add(kReservedName, fmt::format("column {} has a name that Iceberg keeps for itself", name));
    }
  }

  void CheckSpecs() {
    int64_t highest = kFirstPartitionId - 1;
    for (const auto& [id, fields] : facts_.specs) {
      std::set<std::string> names;
      for (const PartitionFieldFacts& field : fields) {
        if (facts_.format_version >= 2 && field.field_id < kFirstPartitionId) Add(kSpec, fmt::format("partition field {} of spec {} has the id {}, below {}", field.name, id, field.field_id, kFirstPartitionId));
        if (!names.insert(field.name).second) Add(kSpec, fmt::format("two partition fields of spec {} are named {}", id, field.name));
        if (!IsTransform(field.transform)) Add(kSpec, fmt::format("partition field {} of spec {} has the transform '{}', which is not known", field.name, id, field.transform));
        if (field.transform != "void" && facts_.FindColumn(field.source_id) == nullptr)
          Add(kSpec, fmt::format("partition field {} of spec {} is of column {}, which no schema has", field.name, id, field.source_id));
        highest = std::max(highest, field.field_id);
      }
    }
    if (const auto spec = Number(metadata_, "default-spec-id"); spec && !facts_.specs.contains(*spec)) Add(kSpec, fmt::format("the default spec {} is not among its specs", *spec));
    if (const auto last = Number(metadata_, "last-partition-id"); last && *last < highest) Add(kSpec, fmt::format("last-partition-id is {}, but a partition field has the id {}", *last, highest));
  }

  static bool IsTransform(const std::string& word) {
    for (const char* const plain : {"identity", "void", "year", "month", "day", "hour"})
      if (word == plain) return true;
    return ParametersOf(word, "bucket").has_value() || ParametersOf(word, "truncate").has_value();
  }

  void CheckSortOrders() {
    const auto wanted = Number(metadata_, "default-sort-order-id");
    bool found = !wanted.has_value();
    for (const Json& order : Array(metadata_, "sort-orders")) {
      found = found || Number(order, "order-id") == wanted;
      for (const Json& field : Array(order, "fields"))
        if (facts_.FindColumn(Number(field, "source-id").value_or(-1)) == nullptr) Add(kSortOrder, "a sort order is by a column that no schema has");
    }
    if (!found) Add(kSortOrder, fmt::format("the default sort order {} is not among its sort orders", *wanted));
  }

  void CheckSnapshots() {
    std::set<int64_t> ids, sequences;
    for (const SnapshotFacts& snapshot : facts_.snapshots) {
      const std::string name = fmt::format("snapshot {}", snapshot.id);
      if (!ids.insert(snapshot.id).second) Add(kSnapshot, fmt::format("two snapshots have the id {}", snapshot.id));
      if (snapshot.id <= 0) Add(kSnapshot, fmt::format("{} has an id that is not positive", name));
      if (snapshot.manifest_list.empty()) Add(kSnapshot, fmt::format("{} has no manifest-list", name));
      if (!snapshot.schema_id) Add(kSnapshotSchema, fmt::format("{} has no schema-id", name));
      else if (!facts_.schemas.contains(*snapshot.schema_id)) Add(kSnapshotSchema, fmt::format("{} has the schema {}, which is not there", name, *snapshot.schema_id));
      if (facts_.format_version >= 2) CheckSequence(snapshot, name, sequences);
      CheckSummary(snapshot, name);
    }
    if (facts_.snapshots.size() != Array(metadata_, "snapshots").size()) Add(kSnapshot, "a snapshot has no snapshot-id");
    if (const auto updated = Number(metadata_, "last-updated-ms"))
      for (const SnapshotFacts& snapshot : facts_.snapshots)
        if (snapshot.timestamp_ms > *updated + kClockSkewMs) Add(kSnapshot, fmt::format("snapshot {} is newer than last-updated-ms", snapshot.id));
  }

  void CheckSequence(const SnapshotFacts& snapshot, const std::string& name, std::set<int64_t>& sequences) {
    if (snapshot.sequence_number > facts_.last_sequence_number)
      Add(kSnapshot, fmt::format("{} has the sequence number {}, above last-sequence-number {}", name, snapshot.sequence_number, facts_.last_sequence_number));
    if (!sequences.insert(snapshot.sequence_number).second) Add(kSnapshot, fmt::format("{} has a sequence number that another one has too: {}", name, snapshot.sequence_number));
    const SnapshotFacts* parent = snapshot.parent_id ? facts_.FindSnapshot(*snapshot.parent_id) : nullptr;
    if (parent == nullptr) return;
    if (parent->sequence_number >= snapshot.sequence_number) Add(kSnapshot, fmt::format("{} has a sequence number that is not above its parent's", name));
    if (parent->timestamp_ms > snapshot.timestamp_ms + kClockSkewMs) Add(kSnapshot, fmt::format("{} is older than its parent", name));
  }

  void CheckSummary(const SnapshotFacts& snapshot, const std::string& name) {
    if (!snapshot.summary.is_object()) return Add(kSnapshot, fmt::format("{} has no summary", name));
    const std::string operation = Text(snapshot.summary, "operation").value_or("");
    if (operation != "append" && operation != "replace" && operation != "overwrite" && operation != "delete") Add(kSnapshot, fmt::format("{} has the operation '{}'", name, operation));
    for (const auto& [key, value] : snapshot.summary.items())
      if (!value.is_string()) Add(kSnapshot, fmt::format("{} has a summary whose '{}' is no text", name, key));
    const auto added = ParseNumber(Text(snapshot.summary, "added-records").value_or("0")), deleted = ParseNumber(Text(snapshot.summary, "deleted-records").value_or("0"));
    if (operation == "replace" && added.value_or(0) > deleted.value_or(0)) Add(kSnapshot, fmt::format("{} replaces files and adds rows: REST catalogs refuse it", name));
  }

  void CheckRefs() {
    const Json* refs = Member(metadata_, "refs");
    const Json* main = refs ? Member(*refs, "main") : nullptr;
    if (facts_.current_snapshot_id && facts_.current_snapshot() == nullptr) Add(kRefs, fmt::format("the current snapshot {} is not among its snapshots", *facts_.current_snapshot_id));
    if (refs != nullptr && facts_.current_snapshot_id && main == nullptr) Add(kRefs, "there is a current snapshot, but no branch main");
    if (main != nullptr && Number(*main, "snapshot-id") != facts_.current_snapshot_id)
      Add(kRefs, fmt::format("main is at snapshot {}, but the current one is {}", Number(*main, "snapshot-id").value_or(-1), facts_.current_snapshot_id.value_or(-1)));
    if (refs == nullptr || !refs->is_object()) return;
    for (const auto& [name, ref] : refs->items()) {
      const std::string type = Text(ref, "type").value_or("");
      if (type != "branch" && type != "tag") Add(kRefs, fmt::format("the reference {} is neither branch nor tag", name));
      if (facts_.FindSnapshot(Number(ref, "snapshot-id").value_or(-1)) == nullptr) Add(kRefs, fmt::format("the reference {} is at a snapshot that is not there", name));
    }
  }

  void CheckLog() {
    std::optional<int64_t> before;
    bool known_before = false;
    for (const Json& entry : Array(metadata_, "snapshot-log")) {
      const auto time = Number(entry, "timestamp-ms"), id = Number(entry, "snapshot-id");
      if (!time || !id) {
        Add(kSnapshotLog, "an entry of the snapshot-log lacks its time or snapshot");
        continue;
      }
      if (before && *time < *before - kClockSkewMs) Add(kSnapshotLog, fmt::format("the snapshot-log goes back in time at snapshot {}", *id));
      const bool known = facts_.FindSnapshot(*id) != nullptr;
      if (known_before && !known) Add(kSnapshotLog, fmt::format("the snapshot-log names snapshot {}, which is gone, behind one that is there", *id));
      known_before = known_before || known;
      before = *time;
    }
    const Json& log = Array(metadata_, "snapshot-log");
    if (!log.empty() && facts_.current_snapshot_id && Number(log.back(), "snapshot-id") != facts_.current_snapshot_id) Add(kSnapshotLog, "the snapshot-log does not end with the current snapshot");
    const auto updated = Number(metadata_, "last-updated-ms");
    if (before && updated && *updated < *before - kClockSkewMs) Add(kSnapshotLog, "last-updated-ms is before the end of the snapshot-log");
  }

  void CheckRowIds() {
    if (facts_.format_version < 3) return;
    const auto next = Number(metadata_, "next-row-id");
    if (!next) return Add(kMissingMember, "it has no number 'next-row-id'");
    for (const Json& snapshot : Array(metadata_, "snapshots")) {
      const auto first = Number(snapshot, "first-row-id"), added = Number(snapshot, "added-rows");
      if (first && added && (*added < 0 || *first > *next - *added)) Add(kRowIds, fmt::format("snapshot {} gives row ids at or above next-row-id {}", Number(snapshot, "snapshot-id").value_or(-1), *next));
    }
  }

  const Json& metadata_;
  const TableFacts& facts_;
  const std::string& file_;
  Findings& findings_;
  std::set<int64_t> field_ids_;  // Of the schema at hand.
};

}  // namespace

void CheckMetadata(const Json& metadata, const TableFacts& facts, const std::string& file, Findings& findings) { MetadataCheck(metadata, facts, file, findings).Run(); }

}  // namespace sluice::audit
