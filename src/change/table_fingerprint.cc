#include "change/table_fingerprint.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>

#include "change/table_definition.h"

namespace sluice {
namespace {

constexpr std::string_view kVersion = "1", kAppendOnlyVersion = "1a";

/// Hashes fields with their lengths, so that no two lists of fields are the same text.
class Hasher {
 public:
  void Add(std::string_view field) { text_ += fmt::format("{}:{}", field.size(), field); }
  void Add(uint64_t number) { text_ += fmt::format("#{}", number); }
  uint64_t Take() { return XXH3_64bits(text_.data(), text_.size()); }

 private:
  std::string text_;
};

// Each composite type once, however many columns are of it.
void AddTypes(const Type& type, std::map<Oid, uint64_t>& composites, std::vector<uint32_t>& labels) {
  for (const std::string& label : type.labels) {
    Hasher hasher;
    hasher.Add(type.oid);
    hasher.Add(label);
    labels.push_back(static_cast<uint32_t>(hasher.Take()));
  }
  if (!type.fields.empty() && !composites.contains(type.oid)) {
    Hasher hasher;
    for (const CompositeField& field : type.fields) {
      hasher.Add(field.name);
      hasher.Add(field.type ? field.type->oid : 0);
      hasher.Add(static_cast<uint32_t>(field.typmod));
    }
    composites[type.oid] = hasher.Take();
    for (const CompositeField& field : type.fields)
      if (field.type) AddTypes(*field.type, composites, labels);
  }
  if (type.element) AddTypes(*type.element, composites, labels);
}

uint64_t HashOfStructure(const TableDefinition& table) {
  Hasher hasher;
  hasher.Add(static_cast<uint64_t>(table.schema->replica_identity));
  for (const size_t column : table.schema->key) hasher.Add(column);
  for (const GeneratedColumn& column : table.generated) {
    hasher.Add(column.name);
    hasher.Add(column.expression.sql);
  }
  for (const ConstraintDefinition& constraint : table.constraints) {
    hasher.Add(constraint.name);
    hasher.Add(constraint.definition.sql);
  }
  for (const IndexDefinition& index : table.indexes) {
    hasher.Add(index.name.name);
    hasher.Add(index.definition.sql);
  }
  for (const PartitionDefinition& partition : table.partitions) {
    hasher.Add(partition.name.name_space);
    hasher.Add(partition.name.name);
    hasher.Add(partition.bound);
  }
  return hasher.Take();
}

class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::string_view Next() {
    const size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return word;
  }
  template <class Number>
  bool Next(Number& number, int base = 10) {
    return Parse(Next(), number, base);
  }
  bool done() const { return rest_.empty(); }

  template <class Number>
  static bool Parse(std::string_view word, Number& number, int base = 10) {
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number, base);
    return parsed.ec == std::errc() && parsed.ptr == word.data() + word.size();
  }

 private:
  std::string_view rest_;
};

bool Has(const std::vector<TableFingerprint::File>& files, Oid leaf) {
  return std::any_of(files.begin(), files.end(), [&](const auto& file) { return file.leaf == leaf; });
}

bool IsRewritten(const TableFingerprint& before, const TableFingerprint& now) {
  return std::any_of(before.files.begin(), before.files.end(), [&](const auto& file) {
    const auto same = std::find_if(now.files.begin(), now.files.end(), [&](const auto& one) { return one.leaf == file.leaf; });
    return same != now.files.end() && same->node != file.node;
  });
}

}  // namespace

// 1 or 1a, then COLUMNS STRUCTURE COMPOSITES LABELS label… leaf:node…
std::string ToText(const TableFingerprint& fingerprint) {
  std::string text = fmt::format("{} {:x} {:x} {:x} {}", fingerprint.append_only ? kAppendOnlyVersion : kVersion, fingerprint.columns, fingerprint.structure, fingerprint.composites, fingerprint.labels.size());
  for (const uint32_t label : fingerprint.labels) fmt::format_to(std::back_inserter(text), " {:x}", label);
  for (const auto& [leaf, node] : fingerprint.files) {
    fmt::format_to(std::back_inserter(text), " {}", leaf);
    if (node != leaf) fmt::format_to(std::back_inserter(text), ":{}", node);
  }
  return text;
}

std::optional<TableFingerprint> ParseFingerprint(std::string_view text) {
  Words words(text);
  TableFingerprint parsed;
  size_t labels = 0;
  const std::string_view version = words.Next();
  parsed.append_only = version == kAppendOnlyVersion;
  if ((version != kVersion && !parsed.append_only) || !words.Next(parsed.columns, 16) || !words.Next(parsed.structure, 16) || !words.Next(parsed.composites, 16) || !words.Next(labels))
    return std::nullopt;
  for (; labels > 0; --labels)
    if (words.done() || !words.Next(parsed.labels.emplace_back(), 16)) return std::nullopt;
  while (!words.done()) {
    const std::string_view word = words.Next();
    const size_t colon = word.find(':');
    TableFingerprint::File& file = parsed.files.emplace_back();
    if (!Words::Parse(word.substr(0, colon), file.leaf)) return std::nullopt;
    file.node = file.leaf;
    if (colon != std::string_view::npos && !Words::Parse(word.substr(colon + 1), file.node)) return std::nullopt;
  }
  return parsed;
}

TableFingerprint FingerprintOf(const TableDefinition& table) {
  TableFingerprint made;
  Hasher columns, composites;
  std::map<Oid, uint64_t> composite_types;
  for (size_t i = 0; i < table.schema->columns.size(); ++i) {
    const Column& column = table.schema->columns[i];
    columns.Add(static_cast<uint16_t>(column.attribute_number));
    columns.Add(column.name);
    columns.Add(table.columns[i].changed_by);
    if (column.type) AddTypes(*column.type, composite_types, made.labels);
  }
  for (const auto& [oid, fields] : composite_types) {
    composites.Add(oid);
    composites.Add(fields);
  }
  made.append_only = table.schema->append_only();
  made.columns = columns.Take();
  made.structure = HashOfStructure(table);
  made.composites = composites.Take();
  std::sort(made.labels.begin(), made.labels.end());
  made.labels.erase(std::unique(made.labels.begin(), made.labels.end()), made.labels.end());
  for (const Leaf& leaf : table.leaves) made.files.push_back({leaf.oid, leaf.file_node});
  std::sort(made.files.begin(), made.files.end(), [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
  return made;
}

std::string CopyFingerprint(const TableDefinition& table) {
  Hasher attachments;
  bool any = false;
  for (const Leaf& leaf : table.leaves) {
    attachments.Add(leaf.oid);
    attachments.Add(leaf.attachments);
    any |= !leaf.attachments.empty();
  }
  return any ? fmt::format("{} attached {:x}", ToText(table.fingerprint), attachments.Take()) : ToText(table.fingerprint);
}

TableChange CompareFingerprints(std::string_view text, const TableDefinition& table) {
  const TableFingerprint& now = table.fingerprint;
  const std::optional<TableFingerprint> before = ParseFingerprint(text);
  if (!before) return TableChange::kFollow;
  if (*before == now) return TableChange::kNone;
  const bool relabelled = !std::includes(now.labels.begin(), now.labels.end(), before->labels.begin(), before->labels.end());
  const bool joined_with_rows = std::any_of(table.leaves.begin(), table.leaves.end(), [&](const Leaf& leaf) { return leaf.attached && !Has(before->files, leaf.oid); });
  // Of an ordinary table TRUNCATE is streamed, and VACUUM FULL leaves the columns alone; of a partition no stream tells.
  const bool rewritten = IsRewritten(*before, now) && (before->columns != now.columns || !table.partition_key.empty());
  const bool missed_changes = before->append_only && !now.append_only;
  if (relabelled || joined_with_rows || rewritten || missed_changes || before->composites != now.composites) return TableChange::kCopyAgain;
  const bool files_alone = before->columns == now.columns && before->structure == now.structure && before->labels == now.labels && table.partition_key.empty();
  return files_alone ? TableChange::kNone : TableChange::kFollow;
}

bool PartitionsGone(std::string_view text, const TableFingerprint& now) {
  const std::optional<TableFingerprint> before = ParseFingerprint(text);
  return before && std::any_of(before->files.begin(), before->files.end(), [&](const auto& file) { return !Has(now.files, file.leaf); });
}

}  // namespace sluice
