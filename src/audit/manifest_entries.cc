#include "audit/manifest_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "audit/bound.h"
#include "audit/rules.h"

namespace sluice::audit {
namespace {

constexpr int64_t kExisting = 0, kAdded = 1, kDeleted = 2;
constexpr std::array<const char*, 3> kStatusNames = {"existing", "added", "deleted"};
constexpr std::array<int64_t, 8> kRequired = {0, 2, 134, 100, 101, 102, 103, 104};
constexpr int64_t kDeletePathId = 2'147'483'546, kDeletePosId = 2'147'483'545;

std::string SchemeOf(const std::string& uri) {
  const size_t end = uri.find("://");
  return end == std::string::npos ? "" : uri.substr(0, end);
}

std::string Upper(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return word;
}

/// Iceberg's maps with numbers for keys are arrays of records in Avro.
template <class T, class Take>
std::map<int64_t, T> ReadMap(const Json* pairs, const Take& take) {
  std::map<int64_t, T> map;
  if (pairs == nullptr || !pairs->is_array()) return map;
  for (const Json& pair : *pairs) {
    const auto key = Number(pair, "key");
    const Json* value = Member(pair, "value");
    if (key && value) map[*key] = take(*value);
  }
  return map;
}

std::map<int64_t, int64_t> ReadCounts(const Json* pairs) {
  return ReadMap<int64_t>(pairs, [](const Json& value) { return AsNumber(value).value_or(0); });
}

std::map<int64_t, std::string> ReadBounds(const Json* pairs) {
  return ReadMap<std::string>(pairs, [](const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); });
}

}  // namespace

ListedManifest::ListedManifest(const AvroFields& fields, const Json& record) {
  path = fields.Text(record, 500).value_or("");
  length = fields.Long(record, 501).value_or(0);
  spec_id = fields.Long(record, 502).value_or(0);
  content = fields.Long(record, 517).value_or(0);
  sequence_number = fields.Long(record, 515).value_or(0);
  min_sequence_number = fields.Long(record, 516).value_or(0);
  added_snapshot_id = fields.Long(record, 503).value_or(0);
  static constexpr int64_t kFileCounts[3] = {505, 504, 506}, kRowCounts[3] = {513, 512, 514};
  for (size_t status = 0; status < 3; ++status) {
    files[status] = fields.Long(record, kFileCounts[status]).value_or(0);
    rows[status] = fields.Long(record, kRowCounts[status]).value_or(0);
  }
  const Json* const summaries = fields.Find(record, 507);
  if (summaries == nullptr || !summaries->is_array()) return;
  // Their fields are found by id too.
  const Json& type = fields.TypeOf(507);
  AvroFields summary;
  for (const Json& branch : type.is_array() ? type : Json::array({type}))
    if (const Json* items = Member(branch, "items")) summary = AvroFields(*items);
  partitions = Json::array();
  for (const Json& one : *summaries) {
    Json kept = Json::object();
    for (const auto& [name, id] : {std::pair("contains_null", 509), std::pair("lower", 510), std::pair("upper", 511)})
      if (const Json* found = summary.Find(one, id)) kept[name] = *found;
    partitions.push_back(std::move(kept));
  }
}

NamedFiles::NamedFiles(const TableFacts& facts, LakeFiles& files, Findings& findings) : files_(files), findings_(findings), scheme_(SchemeOf(facts.location)) {}

void NamedFiles::Live(const FileFacts& file, const std::string& manifest) {
  const auto [known, is_new] = sizes_.emplace(file.path, file.size_bytes);
  if (!is_new) {
    if (known->second != file.size_bytes) findings_.Add(kWrongSize, file.path, fmt::format("manifest {} says {} bytes, another one {}", manifest, file.size_bytes, known->second));
    return;
  }
  if (SchemeOf(file.path) != scheme_) findings_.Add(kTwoSpellings, file.path, fmt::format("the table's location begins with '{}', this path with '{}'", scheme_, SchemeOf(file.path)));
  const auto size = files_.SizeOf(file.path, fmt::format("manifest {}", manifest));
  if (size && *size != file.size_bytes) findings_.Add(kWrongSize, file.path, fmt::format("it has {} bytes, manifest {} says {}", *size, manifest, file.size_bytes));
}

void NamedFiles::Added(const FileFacts& file, int64_t snapshot_id, const std::string& manifest) {
  const std::string key = file.content_offset ? fmt::format("{}#{}", file.path, *file.content_offset) : file.path;
  const auto [known, is_new] = added_by_.emplace(key, snapshot_id);
  if (!is_new && known->second != snapshot_id)
    findings_.Add(kAddedTwice, file.path, fmt::format("manifest {} adds it in snapshot {}, but snapshot {} has added it already", manifest, snapshot_id, known->second));
}

void EntriesCheck::Wrong(const Rule& rule, std::string what) { findings_.Add(rule, listed_.path, std::move(what)); }

void EntriesCheck::ReadSchema(const Json& schema) {
  entry_ = AvroFields(schema);
  file_ = AvroFields(entry_.TypeOf(2));
  partition_ = AvroFields(file_.TypeOf(102));
  const auto spec = facts_.specs.find(listed_.spec_id);
  if (spec == facts_.specs.end()) return Wrong(kManifestHeader, fmt::format("it is of partition spec {}, which the table does not have", listed_.spec_id));
  std::vector<int64_t> wanted;
  for (const PartitionFieldFacts& field : spec->second) wanted.push_back(field.field_id);
  if (wanted != partition_.ids()) Wrong(kPartitionTuple, fmt::format("its partition fields are not those of spec {}", listed_.spec_id));
}

FileFacts EntriesCheck::ReadFile(const Json& data_file) const {
  FileFacts file;
  file.content = file_.Long(data_file, 134).value_or(0);
  file.path = file_.Text(data_file, 100).value_or("");
  file.format = Upper(file_.Text(data_file, 101).value_or(""));
  file.spec_id = listed_.spec_id;
  const Json* const partition = file_.Find(data_file, 102);
  file.partition = Json::array();
  for (const int64_t id : partition_.ids()) {
    const Json* value = partition ? partition_.Find(*partition, id) : nullptr;
    file.partition.push_back(value ? *value : Json());
  }
  file.record_count = file_.Long(data_file, 103).value_or(-1);
  file.size_bytes = file_.Long(data_file, 104).value_or(-1);
  file.value_counts = ReadCounts(file_.Find(data_file, 109));
  file.null_counts = ReadCounts(file_.Find(data_file, 110));
  file.lower_bounds = ReadBounds(file_.Find(data_file, 125));
  file.upper_bounds = ReadBounds(file_.Find(data_file, 128));
  file.referenced_file = file_.Text(data_file, 143);
  file.content_offset = file_.Long(data_file, 144);
  file.content_size = file_.Long(data_file, 145);
  return file;
}

void EntriesCheck::Take(const Json& schema, const Json& record) {
  if (!started_) ReadSchema(schema);
  started_ = true;
  const auto status = entry_.Long(record, 0);
  const Json* const data_file = entry_.Find(record, 2);
  if (!status || *status < kExisting || *status > kDeleted || data_file == nullptr) return Wrong(kEntry, "an entry has no status that is known, or no file");
  FileFacts file = ReadFile(*data_file);
  if (file.path.empty()) return Wrong(kEntry, "an entry names no file");
  CheckSequence(record, *status, file);
  CheckFile(*data_file, file);
  CheckPartition(file);
  Count(*status, file);
  if (*status == kAdded) named_.Added(file, entry_.Long(record, 1).value_or(listed_.added_snapshot_id), listed_.path);
  if (*status == kDeleted) return;
  CheckBounds(file);
  named_.Live(file, listed_.path);
  min_sequence_number_ = std::min(min_sequence_number_, file.sequence_number);
  if (live_ != nullptr) live_->push_back(std::move(file));
}

void EntriesCheck::CheckSequence(const Json& record, int64_t status, FileFacts& file) {
  const auto snapshot = entry_.Long(record, 1), sequence = entry_.Long(record, 3), file_sequence = entry_.Long(record, 4);
  file.sequence_number = sequence.value_or(listed_.sequence_number);
  if (facts_.format_version < 2) return;
  if (status == kAdded) {
    if (snapshot && *snapshot != listed_.added_snapshot_id) Wrong(kSequence, fmt::format("{} is added by snapshot {}, but the manifest by {}", file.path, *snapshot, listed_.added_snapshot_id));
    if (file_sequence && *file_sequence != listed_.sequence_number) Wrong(kSequence, fmt::format("{} is added with the file sequence number {}, the manifest has {}", file.path, *file_sequence, listed_.sequence_number));
  } else if (listed_.sequence_number > 0 && (!sequence || !file_sequence || !snapshot)) {
    // Of before the sequence numbers of format 2 they are all zero.
    Wrong(kSequence, fmt::format("{} is {}, and lacks numbers that only added files inherit", file.path, kStatusNames[static_cast<size_t>(status)]));
  }
  if (file.sequence_number > listed_.sequence_number) Wrong(kSequence, fmt::format("{} has the sequence number {}, above the manifest's {}", file.path, file.sequence_number, listed_.sequence_number));
}

void EntriesCheck::CheckFile(const Json& data_file, const FileFacts& file) {
  const bool deletes = file.content == 1 || file.content == 2, vector = file.format == "PUFFIN";
  if (file.content < 0 || file.content > 2) Wrong(kEntry, fmt::format("{} has the content {}", file.path, file.content));
  if (deletes != (listed_.content == 1)) Wrong(kContentFlag, fmt::format("{} has the content {}, but its manifest is listed with {}", file.path, file.content, listed_.content));
  if (file.format != "PARQUET" && file.format != "AVRO" && file.format != "ORC" && !vector) Wrong(kEntry, fmt::format("{} has the format '{}'", file.path, file.format));
  if (file.record_count < 0 || file.size_bytes < 0) Wrong(kEntry, fmt::format("{} has a negative count or size", file.path));
  if (vector && (file.content != 1 || !file.referenced_file || !file.content_offset || !file.content_size || facts_.format_version < 3))
    Wrong(kEntry, fmt::format("{} is a Puffin file, but not as a deletion vector is named: content 1, its data file, offset and size, in format 3", file.path));
  if (file.content == 1 && file_.Find(data_file, 140) != nullptr) Wrong(kEntry, fmt::format("{} is a position delete file with a sort order", file.path));
  const Json* const equality = file_.Find(data_file, 135);
  if ((file.content == 2) != (equality != nullptr && !equality->empty())) Wrong(kEntry, fmt::format("{} has equality ids where it may not, or none where it must", file.path));
  if (file.content == 0 && file.record_count > 0 && (file_.Find(data_file, 109) == nullptr || file_.Find(data_file, 110) == nullptr))
    Wrong(kNoCounts, fmt::format("{} has no value counts or no null counts", file.path));
  int64_t before = 0;
  if (const Json* offsets = file_.Find(data_file, 132); offsets != nullptr && offsets->is_array())
    for (const Json& offset : *offsets) {
      const int64_t at = AsNumber(offset).value_or(-1);
      if (at <= before || at >= file.size_bytes) return Wrong(kEntry, fmt::format("{} has split offsets that do not rise, or lie outside of it", file.path));
      before = at;
    }
}

void EntriesCheck::CheckBounds(const FileFacts& file) {
  std::map<int64_t, Bound> lower;
  for (const bool is_lower : {true, false}) {
    for (const auto& [id, bytes] : is_lower ? file.lower_bounds : file.upper_bounds) {
      if (id == kDeletePathId || id == kDeletePosId) continue;
      const ColumnFacts* const column = facts_.FindColumn(id);
      if (column == nullptr) continue;  // Of a column that went with its schema.
      const auto bound = DecodeBound(column->type, bytes);
      if (!bound) {
        Wrong(kBound, fmt::format("{} has a bound of {} bytes for column {}, a {}", file.path, bytes.size(), column->path, column->type));
      } else if (is_lower) {
        lower.emplace(id, *bound);
      } else if (const auto below = lower.find(id); below != lower.end() && Compare(below->second, *bound) > 0) {
        Wrong(kBound, fmt::format("{} has a lower bound above its upper one for column {}", file.path, column->path));
      }
    }
  }
}

void EntriesCheck::CheckPartition(const FileFacts& file) {
  if (!listed_.partitions.is_array()) return;
  for (size_t i = 0; i < file.partition.size() && i < listed_.partitions.size(); ++i) CheckSummary(i, file.partition[i], file.path);
}

void EntriesCheck::CheckSummary(size_t field, const Json& value, const std::string& path) {
  const Json& summary = listed_.partitions[field];
  if (value.is_null()) {
    const Json* const contains = Member(summary, "contains_null");
    if (contains != nullptr && contains->is_boolean() && !contains->get<bool>()) Wrong(kPartitionTuple, fmt::format("{} is in a null partition, which the manifest list denies", path));
    return;
  }
  const auto number = AsNumber(value);
  if (!number) return;
  for (const bool is_lower : {true, false}) {
    const auto bytes = Text(summary, is_lower ? "lower" : "upper");
    const auto bound = bytes ? DecodeBound(bytes->size() == 4 ? "int" : "long", *bytes) : std::nullopt;
    if (!bound) continue;
    const auto order = Compare(Bound(static_cast<__int128>(*number)), *bound);
    if (is_lower ? order < 0 : order > 0) return Wrong(kPartitionTuple, fmt::format("{} is in a partition outside of those that the manifest list tells", path));
  }
}

void EntriesCheck::Count(int64_t status, const FileFacts& file) {
  files_[status] += 1;
  rows_[status] += file.record_count;
  if (status == kDeleted) return;
  (file.content == 0 ? totals_.data_files : totals_.delete_files) += 1;
  if (file.content == 0) totals_.records += file.record_count;
  if (file.content == 1) totals_.position_deletes += file.record_count;
  if (file.content == 2) totals_.equality_deletes += file.record_count;
  totals_.bytes += file.format == "PUFFIN" ? file.content_size.value_or(0) : file.size_bytes;
}

void EntriesCheck::CheckHeader(const AvroHeader& header) {
  const auto text = [&](const char* key) {
    const auto found = header.metadata.find(key);
    return found == header.metadata.end() ? std::string() : found->second;
  };
  const std::string content = text("content");
  if (facts_.format_version >= 2 && content != "data" && content != "deletes") Wrong(kManifestHeader, fmt::format("its header has the content '{}', neither data nor deletes", content));
  if (content == "deletes" && listed_.content != 1) Wrong(kContentFlag, "it holds deletes, but is listed as data");
  if (content == "data" && listed_.content != 0) Wrong(kContentFlag, "it holds data, but is listed as deletes");
  if (ParseNumber(text("partition-spec-id")).value_or(0) != listed_.spec_id) Wrong(kManifestHeader, fmt::format("its header has the partition spec '{}', its manifest list {}", text("partition-spec-id"), listed_.spec_id));
  const auto schema = Parse(text("schema"));
  if (!schema || Array(*schema, "fields").empty()) Wrong(kManifestHeader, "its header has no table schema");
  const auto spec = Parse(text("partition-spec"));
  if (!spec || !spec->is_array()) return Wrong(kManifestHeader, "its header has no partition fields");
  const auto known = facts_.specs.find(listed_.spec_id);
  if (known != facts_.specs.end() && known->second.size() != spec->size()) Wrong(kManifestHeader, fmt::format("its header has {} partition fields, spec {} has {}", spec->size(), listed_.spec_id, known->second.size()));
}

Totals EntriesCheck::Finish(const AvroHeader& header) {
  if (!started_) ReadSchema(header.schema);
  if (facts_.format_version >= 2) CheckAvroSchema(header.schema, kRequired, listed_.path, findings_);
  CheckHeader(header);
  for (size_t status = 0; status < 3; ++status) {
    if (files_[status] != listed_.files[status]) Wrong(kCounts, fmt::format("it has {} {} files, its manifest list says {}", files_[status], kStatusNames[status], listed_.files[status]));
    if (rows_[status] != listed_.rows[status]) Wrong(kCounts, fmt::format("its {} files have {} rows, its manifest list says {}", kStatusNames[status], rows_[status], listed_.rows[status]));
  }
  if (files_[kExisting] + files_[kAdded] > 0 && listed_.min_sequence_number > min_sequence_number_)
    Wrong(kSequence, fmt::format("its manifest list says that no file is older than sequence number {}, but one has {}", listed_.min_sequence_number, min_sequence_number_));
  const auto spec = facts_.specs.find(listed_.spec_id);
  if (spec != facts_.specs.end() && listed_.partitions.is_array() && listed_.partitions.size() != spec->second.size())
    Wrong(kPartitionTuple, fmt::format("its manifest list has {} partition summaries, spec {} has {} fields", listed_.partitions.size(), listed_.spec_id, spec->second.size()));
  return totals_;
}

}  // namespace sluice::audit
