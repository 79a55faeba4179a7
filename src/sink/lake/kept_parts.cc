#include "sink/lake/kept_parts.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "iceberg/manifest_avro.h"
#include "iceberg/snapshot_producer.h"
#include "observability/log.h"
#include "sink/lake/key_codec.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/table_commit.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

constexpr std::string_view kCopyingPrefix = "sluice.copying.", kPartPrefix = "sluice.part.";

Error Malformed(const std::string& key) { return Error{ErrorKind::kCorrupt, fmt::format("the lake's property {} is malformed", key)}; }

template <class Number>
bool Parse(std::string_view text, Number& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// Takes what stands before the next separator.
std::string_view Take(std::string_view& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

/// The table that a property is about; nullopt: it is another property.
std::optional<TableName> TableOfProperty(std::string_view key) {
  if (key.starts_with(kCopyingPrefix)) return ParsePropertySuffix(key.substr(kCopyingPrefix.size()));
  if (!key.starts_with(kPartPrefix)) return std::nullopt;
  key.remove_prefix(kPartPrefix.size());
  Take(key, '.');
  return ParsePropertySuffix(key);
}

Status ParseCopying(const std::string& key, std::string_view text, LakeKeptCopy& kept) {
  const bool numbers = Parse(Take(text, '\n'), kept.copy.log.system_identifier) && Parse(Take(text, '\n'), kept.copy.log.timeline) && Parse(Take(text, '\n'), kept.copy.oid);
  if (!numbers) return Malformed(key);
  kept.copy.log.slot = Take(text, '\n');
  kept.layout = Take(text, '\n');
  kept.copy.fingerprint = Take(text, '\n');
  kept.copy.log.database = text;
  return Ok();
}

Status ParsePart(const std::string& key, std::string_view text, LakeKeptCopy& kept) {
  ASSIGN_OR_RETURN(const Lsn lsn, ParseLsn(Take(text, '\n')));
  std::string_view ranges = Take(text, '\n');
  while (!ranges.empty()) {
    std::string_view range = Take(ranges, ' ');
    BlockRange& made = kept.copy.ranges.emplace_back();
    if (!Parse(Take(range, ':'), made.leaf) || !Parse(Take(range, ':'), made.first_block) || !Parse(range, made.end_block)) return Malformed(key);
  }
  kept.copy.lsn = kept.parts.empty() ? lsn : std::min(kept.copy.lsn, lsn);
  kept.parts.push_back({key, std::string(text)});
  return Ok();
}

}  // namespace

Result<LakeKeptCopies> ParseKeptCopies(const iceberg::Properties& properties) {
  LakeKeptCopies copies;
  for (const auto& [key, value] : properties) {
    const auto table = TableOfProperty(key);
    if (!table) continue;
    RETURN_IF_ERROR(key.starts_with(kCopyingPrefix) ? ParseCopying(key, value, copies[*table]) : ParsePart(key, value, copies[*table]));
  }
  std::erase_if(copies, [](const auto& entry) { return entry.second.parts.empty() || entry.second.layout.empty(); });
  return copies;
}

std::string LayoutOf(const std::string& table_uuid, const LakeSchema& schema, const iceberg::PartitionSpec& spec) {
  std::string text = table_uuid + ToText(schema.field_ids);
  for (const iceberg::PartitionField& field : spec.fields) text += fmt::format("|{}:{}:{}", field.source_id, field.name, iceberg::ToString(field.transform));
  for (size_t i = 0; i < schema.source_columns(); ++i) {  // Of columns that readers need in another form.
    const Column& column = schema.source->columns[i];
    if (const iceberg::Field& field = schema.iceberg.fields[i]; !SameType(field.type, MapType(*column.type, column.typmod).type)) text += fmt::format("|{}!", field.id);
  }
  const RowKey hash = HashOf(text);
  return fmt::format("1-{:016x}{:016x}", hash.high, hash.low);
}

std::string CopyingProperty(const TableName& table) { return std::string(kCopyingPrefix) + PropertySuffix(table); }

std::string ToText(const KeptCopy& copy, const std::string& layout) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", copy.log.system_identifier, copy.log.timeline, copy.oid, copy.log.slot, layout, copy.fingerprint, copy.log.database);
}

Result<std::pair<KeptPart, std::string>> WritePart(ObjectStore& store, const std::string& location, const TableName& table, const LakeSchema& schema,
                                                   const iceberg::PartitionSpec& spec, const std::vector<BlockRange>& ranges, Lsn lsn,
                                                   const std::vector<iceberg::DataFile>& files) {
  std::vector<iceberg::ManifestEntry> entries;
  for (const iceberg::DataFile& file : files) entries.emplace_back().file = file;
  ASSIGN_OR_RETURN(const std::vector<iceberg::Type> types, iceberg::PartitionTypes(spec, schema.iceberg));
  ASSIGN_OR_RETURN(const std::string bytes, iceberg::EncodeManifest({2, iceberg::ManifestContent::kData, schema.iceberg, spec}, types, entries));
  const std::string uuid = iceberg::NewUuid();
  KeptPart part{fmt::format("{}{}.{}", kPartPrefix, uuid, PropertySuffix(table)), fmt::format("{}/metadata/part-{}.avro", location, uuid)};
  RETURN_IF_ERROR(store.Put(part.manifest, bytes));
  std::string text;
  for (const BlockRange& range : ranges) text += fmt::format("{}{}:{}:{}", text.empty() ? "" : " ", range.leaf, range.first_block, range.end_block);
  std::string value = fmt::format("{}\n{}\n{}", ToString(lsn), text, part.manifest);
  return std::pair(std::move(part), std::move(value));
}

Result<std::vector<iceberg::DataFile>> ReadPart(ObjectStore& store, const KeptPart& part) {
  ASSIGN_OR_RETURN(const std::string bytes, store.Get(part.manifest));
  ASSIGN_OR_RETURN(iceberg::Manifest manifest, iceberg::DecodeManifest(bytes));
  std::vector<iceberg::DataFile> files;
  for (iceberg::ManifestEntry& entry : manifest.entries) {
    files.push_back(std::move(entry.file));
    files.back().spec_id = manifest.header.spec.id;
  }
  return files;
}

Status ForgetParts(Catalog& catalog, ObjectStore& store, uint64_t epoch, const std::function<bool(const TableName&)>& of) {
  ASSIGN_OR_RETURN(const auto properties, catalog.NamespaceProperties(kBookmarkNamespace));
  NamespaceUpdate forget = ExpectEpoch(epoch);
  std::vector<KeptPart> parts;
  for (const auto& [key, value] : properties.value_or(iceberg::Properties{})) {
    const auto table = TableOfProperty(key);
    if (!table || !of(*table)) continue;
    forget.remove.push_back(key);
    LakeKeptCopy kept;
    if (key.starts_with(kPartPrefix) && ParsePart(key, value, kept).ok()) parts.push_back(kept.parts.front());
  }
  if (forget.remove.empty()) return Ok();
  std::vector<std::string> uris;
  for (const KeptPart& part : parts) {
    const auto files = ReadPart(store, part);
    if (!files.ok()) continue;  // What is not listed stays as an orphan.
    for (const iceberg::DataFile& file : *files) uris.push_back(file.path);
    uris.push_back(part.manifest);
  }
  const auto forgotten = catalog.Commit({}, forget);
  if (!forgotten.ok()) return forgotten.error();
  for (const std::string& uri : uris) RETURN_IF_ERROR(store.Remove(uri));
  return Ok();
}

}  // namespace sluice
