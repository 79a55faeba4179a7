#include "config/mapping_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/did_you_mean.h"
#include "config/printable.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr int kCharactersMax = 1'000'000;
constexpr size_t kNameBytesMax = 63;  // PostgreSQL cuts longer ones, and then two could be one.
constexpr std::string_view kMasks = "hash, redact, partial, null, truncate";

void CheckName(FieldReader& fields, const YamlNode* node, std::string_view field, const std::string& name) {
  if (node != nullptr && name.size() > kNameBytesMax)
    fields.Mistake(slu::kBadValue, fmt::format("{} is longer than {} bytes", Quoted(*node), kNameBytesMax), node, field);
}

// PostgreSQL's own namespaces take no tables, and a sink keeps its bookmark in ours.
void CheckNamespace(FieldReader& fields, const YamlNode* node, const std::string& name) {
  if (node == nullptr || (name != "sluice" && name != "information_schema" && !name.starts_with("pg_"))) return;
  fields.Mistake(slu::kBadValue, fmt::format("no table can go to namespace {}", Printable(name)), node, "to", "", "It belongs to the destination itself.", "choose another namespace");
}

void ReadTarget(FieldReader& fields, TableMappingConfig& table) {
  std::string to;
  const YamlNode* node = fields.Text("to", to);
  if (node == nullptr) return;
  const size_t dot = to.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == to.size() || dot > kNameBytesMax || to.size() - dot - 1 > kNameBytesMax)
    return fields.Mistake(slu::kBadValue, fmt::format("{} names no table", Quoted(*node)), node, "to", "",
                          "A table has a namespace and a name, of at most 63 bytes each.", "to: namespace.table");
  if (IsGlob(table.table))
    return fields.Mistake(slu::kConflictingFields, fmt::format("several tables cannot all become {}", Quoted(*node)), node, "to", "",
                          "A pattern may match more than one table, and two tables cannot share a name.",
                          "name one table\nor rename a whole namespace: {namespace: public, to: raw}");
  CheckNamespace(fields, node, to.substr(0, dot));
  table.to = to;
}

// A number that fits, or the mistake.
void ReadWidth(FieldReader& mask, const YamlNode& node, const std::string& text, MaskConfig& config) {
  constexpr std::array<std::pair<std::string_view, TimeUnit>, 4> kUnits{
      {{"year", TimeUnit::kYear}, {"month", TimeUnit::kMonth}, {"day", TimeUnit::kDay}, {"hour", TimeUnit::kHour}}};
  for (const auto& [word, unit] : kUnits)
    if (text == word) {
      config.unit = unit;
      return;
    }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), config.width);
  if (error == std::errc() && end == text.data() + text.size() && config.width >= 1 && config.width <= 1'000'000'000) return;
  const auto meant = DidYouMean(text, std::vector<std::string>{"year", "month", "day", "hour"});
  mask.Mistake(slu::kBadValue, fmt::format("{} cannot be {}", mask.PathOf("truncate"), Quoted(node)), &node, "truncate",
               meant ? fmt::format("did you mean \"{}\"?", *meant) : "", "",
               "use year, month, day or hour for a date or time\nor a number from 1 to 1000000000: the multiple of a number, the characters of a text");
}

void ReadPartial(FieldReader& mask, MaskConfig& config) {
  auto partial = mask.Mapping("partial");
  if (!partial) return;
  partial->Integer("keep_first", config.keep_first, 0, kCharactersMax);
  partial->Integer("keep_last", config.keep_last, 0, kCharactersMax);
  if (!partial->Has("keep_first") && !partial->Has("keep_last"))
    partial->Mistake(slu::kMissingField, fmt::format("{} does not say what stays", partial->path()), nullptr, "keep_last", "",
                     "", "partial: {keep_last: 2}");
  partial->RefuseOthers();
}

void UnknownMask(FieldReader& masks, const YamlNode& node, const std::string& column, const std::string& word) {
  const auto meant = DidYouMean(word, std::vector<std::string>{"hash", "redact", "partial", "null", "truncate"});
  masks.Mistake(slu::kBadValue, fmt::format("{} cannot be {}", masks.PathOf(column), Quoted(node)), &node, column,
                meant ? fmt::format("did you mean \"{}\"?", *meant) : "", "", fmt::format("use one of: {}", kMasks));
}

std::optional<MaskConfig> ReadMask(FieldReader& masks, const YamlEntry& entry) {
  MaskConfig config;
  if (entry.value.IsNull()) return config;  // fax: null
  if (entry.value.kind == YamlNode::Kind::kScalar) {
    const std::optional<std::string> word = masks.Resolve(entry.value, entry.key);
    if (!word) return std::nullopt;
    if (*word == "null") return config;
    if (*word == "redact") {
      config.kind = MaskKind::kRedact;
      return config;
    }
    const bool needs_more = *word == "hash" || *word == "partial" || *word == "truncate";
    if (!needs_more) UnknownMask(masks, entry.value, entry.key, *word);
    else
      masks.Mistake(slu::kMissingField, fmt::format("{} needs more than the word \"{}\"", masks.PathOf(entry.key), *word), &entry.value, entry.key, "", "",
                    *word == "hash" ? "{hash: {salt: \"${secret:file:salt}\"}}" : *word == "partial" ? "{partial: {keep_last: 2}}" : "{truncate: year}");
    return std::nullopt;
  }
  auto mask = masks.Nested(entry);
  if (!mask) return std::nullopt;
  if (mask->entries().size() != 1) {
    masks.Mistake(slu::kConflictingFields, fmt::format("{} needs exactly one mask", masks.PathOf(entry.key)), &entry.value, entry.key, "", "",
                  fmt::format("use one of: {}", kMasks));
    return std::nullopt;
  }
  if (auto hash = mask->Mapping("hash")) {
    config.kind = MaskKind::kHash;
    if (!hash->Has("salt")) hash->Mistake(slu::kMissingField, fmt::format("{} is missing", hash->PathOf("salt")), nullptr, "salt", "", "Without a salt anybody can hash guesses and compare.", "salt: ${secret:file:salt}");
    const YamlNode* node = hash->Secret("salt", config.salt, "SLUICE_SALT");
    if (node != nullptr && config.salt.empty()) hash->Mistake(slu::kBadValue, fmt::format("{} is empty", hash->PathOf("salt")), node, "salt");
    hash->RefuseOthers();
  }
  if (mask->Has("partial")) config.kind = MaskKind::kPartial;
  ReadPartial(*mask, config);
  std::string text;
  if (const YamlNode* node = mask->Text("truncate", text)) {
    config.kind = MaskKind::kTruncate;
    ReadWidth(*mask, *node, text, config);
  }
  mask->RefuseOthers();
  return config;
}

void ReadColumns(FieldReader& columns, TableMappingConfig& table) {
  columns.Texts("exclude", table.exclude);
  if (auto rename = columns.Mapping("rename")) {
    for (const YamlEntry& entry : rename->entries()) {
      const auto to = rename->Resolve(entry.value, entry.key);
      if (!to) continue;
      CheckName(*rename, &entry.value, entry.key, *to);
      if (to->empty()) rename->Mistake(slu::kBadValue, fmt::format("{} is empty", rename->PathOf(entry.key)), &entry.value, entry.key);
      table.rename[entry.key] = *to;
    }
  }
  if (auto masks = columns.Mapping("mask")) {
    for (const YamlEntry& entry : masks->entries())
      if (auto mask = ReadMask(*masks, entry)) table.mask[entry.key] = std::move(*mask);
  }
  columns.RefuseOthers();
}

void ReadCondition(FieldReader& fields, const YamlNode& node, std::vector<ConditionConfig>& where) {
  constexpr std::array<std::pair<std::string_view, Comparator>, 6> kWords{
      {{"eq", Comparator::kEqual}, {"ne", Comparator::kNotEqual}, {"lt", Comparator::kLess}, {"le", Comparator::kLessOrEqual},
       {"gt", Comparator::kGreater}, {"ge", Comparator::kGreaterOrEqual}}};
  const std::string form = "{column: country, in: [DE, DK]}\nthe comparisons are eq, ne, lt, le, gt, ge, in and is_null";
  ConditionConfig condition;
  size_t comparisons = 0;
  fields.Text("column", condition.column, Presence::kRequired);
  for (const auto& [word, comparator] : kWords) {
    std::string value;
    comparisons += fields.Has(word) ? 1 : 0;
    if (fields.Text(word, value) == nullptr) continue;
    condition.comparator = comparator;
    condition.values = {value};
  }
  comparisons += fields.Has("in") ? 1 : 0;
  if (const YamlNode* list = fields.Texts("in", condition.values)) {
    condition.comparator = Comparator::kIn;
    if (condition.values.empty()) fields.Mistake(slu::kBadValue, fmt::format("{} is empty, so no row would be taken", fields.PathOf("in")), list, "in");
  }
  std::string is_null;
  comparisons += fields.Has("is_null") ? 1 : 0;
  if (fields.Choice("is_null", is_null, {"true", "false"}) != nullptr)
    condition.comparator = is_null == "true" ? Comparator::kIsNull : Comparator::kIsNotNull;
  fields.RefuseOthers();
  if (comparisons != 1)
    fields.Mistake(comparisons == 0 ? slu::kMissingField : slu::kConflictingFields,
                   fmt::format("{} needs exactly one comparison", fields.path()), &node, "eq", "", "All conditions of a table must hold, so two become two entries.", form);
  where.push_back(std::move(condition));
}

}  // namespace

void ReadMapping(FieldReader& sink, MappingConfig& mapping) {
  for (auto& [item, fields] : sink.Mappings("map")) {
    if (fields.Has("namespace")) {
      NamespaceMappingConfig name_space;
      fields.Text("namespace", name_space.from, Presence::kRequired);
      const YamlNode* to = fields.Text("to", name_space.to, Presence::kRequired);
      CheckName(fields, to, "to", name_space.to);
      CheckNamespace(fields, to, name_space.to);
      fields.RefuseOthers();
      const bool twice = std::any_of(mapping.namespaces.begin(), mapping.namespaces.end(), [&](const auto& other) { return other.from == name_space.from; });
      if (twice) fields.Mistake(slu::kConflictingFields, fmt::format("namespace {} is mapped twice", Printable(name_space.from)), item, "namespace");
      mapping.namespaces.push_back(std::move(name_space));
      continue;
    }
    TableMappingConfig table;
    const YamlNode* node = fields.Text("table", table.table, Presence::kRequired);
    if (node != nullptr && table.table.find('.') == std::string::npos)
      fields.Mistake(slu::kBadValue, fmt::format("{} names no table", Quoted(*node)), node, "table", "", "A table is named with its namespace.",
                     fmt::format("table: public.{}", Printable(table.table)));
    ReadTarget(fields, table);
    if (auto columns = fields.Mapping("columns")) ReadColumns(*columns, table);
    for (auto& [condition, condition_fields] : fields.Mappings("where")) ReadCondition(condition_fields, *condition, table.where);
    fields.RefuseOthers();
    mapping.tables.push_back(std::move(table));
  }
}

}  // namespace sluice
