#include "config/field_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "config/did_you_mean.h"
#include "config/printable.h"
#include "config/secrets.h"
#include "config/units.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr size_t kQuotedMax = 60;

std::string_view KindWord(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kScalar: return node.IsNull() ? "nothing" : "a single value";
    case YamlNode::Kind::kSequence: return "a list";
    case YamlNode::Kind::kMapping: return "a mapping";
  }
  return "";
}

// Characters before a byte offset.
size_t CharactersIn(std::string_view text) {
  size_t count = 0;
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++count;
  return count;
}

// Where in the file a part of a scalar stands: true of scalars on one line without escapes, else the scalar's start.
ConfigPlace PlaceInside(const YamlNode& node, size_t offset, const std::vector<ConfigText>& texts) {
  ConfigPlace place = node.place;
  if (place.text >= texts.size() || node.text.find('\n') != std::string::npos) return place;
  const std::string line = PrintableLine(texts[place.text].text, place.line);
  const size_t start = line.find(node.text);
  if (start == std::string::npos || line.find(node.text, start + 1) != std::string::npos) return place;
  place.column = CharactersIn(std::string_view(line).substr(0, start + offset)) + 1;
  return place;
}

}  // namespace

std::string Quoted(const YamlNode& node) {
  std::string text = BlankPasswords(node.text.substr(0, kQuotedMax));
  if (node.text.size() > kQuotedMax) text += "…";
  return "\"" + Printable(text) + "\"";
}

const YamlNode* FieldReader::Find(std::string_view name, Presence presence) {
  known_.emplace_back(name);
  const YamlEntry* entry = mapping_.Find(name);
  if (entry != nullptr) return &entry->value;
  if (presence == Presence::kRequired)
    Mistake(slu::kMissingField, fmt::format("{}{}\"{}\" is missing", path_, path_.empty() ? "" : ": ", name), nullptr, name, "",
            "", fmt::format("add {}: …", name));
  return nullptr;
}

void FieldReader::Mistake(int code, std::string message, const YamlNode* at, std::string_view name, std::string hint,
                          std::string why, std::string fix) {
  const YamlNode& node = at != nullptr ? *at : mapping_;
  context_.mistakes.push_back({.code = code, .message = std::move(message), .place = node.place,
                               .length = at != nullptr ? node.length : 1, .hint = std::move(hint),
                               .path = PathOf(name), .why = std::move(why), .fix = std::move(fix)});
}

std::optional<std::string> FieldReader::Resolve(const YamlNode& node, std::string_view name) {
  if (node.kind != YamlNode::Kind::kScalar || node.IsNull()) {
    Mistake(slu::kWrongType, fmt::format("{} needs a single value, not {}", PathOf(name), KindWord(node)), &node, name);
    return std::nullopt;
  }
  Interpolated resolved = Interpolate(node.text, context_.sources);
  if (resolved.mistake) {
    InterpolationMistake& mistake = *resolved.mistake;
    context_.mistakes.push_back({.code = mistake.code, .message = std::move(mistake.message),
                                 .place = PlaceInside(node, mistake.offset, context_.texts), .length = mistake.length,
                                 .path = PathOf(name), .why = std::move(mistake.why), .fix = std::move(mistake.fix)});
    return std::nullopt;
  }
  if (resolved.text.find('\0') != std::string::npos) {  // C libraries would see half of it.
    Mistake(slu::kBadValue, fmt::format("{} holds a zero byte", PathOf(name)), &node, name);
    return std::nullopt;
  }
  return std::move(resolved.text);
}

const YamlNode* FieldReader::Text(std::string_view name, std::string& out, Presence presence) {
  const YamlNode* node = Find(name, presence);
  if (node == nullptr) return nullptr;
  std::optional<std::string> text = Resolve(*node, name);
  if (!text) return nullptr;
  if (text->empty()) {
    Mistake(slu::kBadValue, fmt::format("{} is empty", PathOf(name)), node, name);
    return nullptr;
  }
  out = std::move(*text);
  return node;
}

const YamlNode* FieldReader::Secret(std::string_view name, std::string& out, std::string_view variable) {
  const YamlNode* node = Find(name, Presence::kOptional);
  if (node == nullptr) return nullptr;
  if (node->kind == YamlNode::Kind::kScalar && !IsOnlyVariable(node->text)) {
    Mistake(slu::kPlainSecret, fmt::format("{} stands in the file in plain text", PathOf(name)), node, name, "",
            "", fmt::format("put it into the environment: {}: ${{{}}}\nor into a file of mode 0600: {}: ${{secret:file:{}}}", name, variable, name, name));
    return nullptr;
  }
  std::optional<std::string> text = Resolve(*node, name);
  if (!text) return nullptr;
  out = std::move(*text);
  return node;
}

const YamlNode* FieldReader::Choice(std::string_view name, std::string& out, const std::vector<std::string>& words, Presence presence) {
  std::string word;
  const YamlNode* node = Text(name, word, presence);
  if (node == nullptr) return nullptr;
  for (const std::string& allowed : words)
    if (word == allowed) {
      out = word;
      return node;
    }
  const auto meant = DidYouMean(word, words);
  Mistake(slu::kBadValue, fmt::format("{} cannot be {}", PathOf(name), Quoted(*node)), node, name,
          meant ? fmt::format("did you mean \"{}\"?", *meant) : "", "", fmt::format("use one of: {}", fmt::join(words, ", ")));
  return nullptr;
}

const YamlNode* FieldReader::Texts(std::string_view name, std::vector<std::string>& out, std::vector<const YamlNode*>* nodes) {
  const YamlNode* node = Find(name, Presence::kOptional);
  if (node == nullptr) return nullptr;
  std::vector<const YamlNode*> items;
  if (node->kind == YamlNode::Kind::kSequence) {
    for (const YamlNode& item : node->items) items.push_back(&item);
  } else if (node->kind == YamlNode::Kind::kScalar && !node->IsNull()) {
    items.push_back(node);  // One word stands for a list of one.
  } else {
    Mistake(slu::kWrongType, fmt::format("{} needs a list, not {}", PathOf(name), KindWord(*node)), node, name, "", "",
            fmt::format("{}: [a, b]", name));
    return nullptr;
  }
  out.clear();
  for (const YamlNode* item : items) {
    std::optional<std::string> text = Resolve(*item, name);
    if (!text) continue;
    out.push_back(std::move(*text));
    if (nodes != nullptr) nodes->push_back(item);
  }
  return node;
}

const YamlNode* FieldReader::Integer(std::string_view name, int& out, int min, int max) {
  std::string text;
  const YamlNode* node = Text(name, text);
  if (node == nullptr) return nullptr;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    Mistake(slu::kWrongType, fmt::format("{} needs a whole number, not {}", PathOf(name), Quoted(*node)), node, name);
    return nullptr;
  }
  if (error != std::errc() || value < min || value > max) {
    Mistake(slu::kOutOfRange, fmt::format("{} must be from {} to {}", PathOf(name), min, max), node, name);
    return nullptr;
  }
  out = value;
  return node;
}

const YamlNode* FieldReader::Size(std::string_view name, uint64_t& out, uint64_t min, uint64_t max) {
  std::string text;
  const YamlNode* node = Text(name, text);
  if (node == nullptr) return nullptr;
  const std::optional<uint64_t> size = ParseSize(text);
  if (!size) {
    Mistake(slu::kBadUnit, fmt::format("{} needs a size, not {}", PathOf(name), Quoted(*node)), node, name, "e.g. 64MiB");
    return nullptr;
  }
  if (*size < min || *size > max) {
    Mistake(slu::kOutOfRange, max == std::numeric_limits<uint64_t>::max()
                ? fmt::format("{} must be at least {}", PathOf(name), FormatSize(min))
                : fmt::format("{} must be from {} to {}", PathOf(name), FormatSize(min), FormatSize(max)), node, name);
    return nullptr;
  }
  out = *size;
  return node;
}

const YamlNode* FieldReader::Duration(std::string_view name, std::chrono::milliseconds& out, std::chrono::milliseconds min,
                                      std::chrono::milliseconds max) {
  std::string text;
  const YamlNode* node = Text(name, text);
  if (node == nullptr) return nullptr;
  const std::optional<std::chrono::milliseconds> duration = ParseDuration(text);
  if (!duration) {
    Mistake(slu::kBadUnit, fmt::format("{} needs a duration, not {}", PathOf(name), Quoted(*node)), node, name, "e.g. 30s");
    return nullptr;
  }
  if (*duration < min || *duration > max) {
    Mistake(slu::kOutOfRange, fmt::format("{} must be from {} to {}", PathOf(name), FormatDuration(min), FormatDuration(max)), node, name);
    return nullptr;
  }
  out = *duration;
  return node;
}

std::optional<FieldReader> FieldReader::Mapping(std::string_view name, Presence presence) {
  if (Find(name, presence) == nullptr) return std::nullopt;
  return Nested(*mapping_.Find(name));
}

std::vector<std::pair<const YamlNode*, FieldReader>> FieldReader::Mappings(std::string_view name) {
  std::vector<std::pair<const YamlNode*, FieldReader>> readers;
  const YamlNode* node = Find(name, Presence::kOptional);
  if (node == nullptr || node->IsNull()) return readers;
  if (node->kind == YamlNode::Kind::kMapping) {
    readers.emplace_back(node, FieldReader(*node, PathOf(name), context_));
    return readers;
  }
  if (node->kind != YamlNode::Kind::kSequence) {
    Mistake(slu::kWrongType, fmt::format("{} needs a list, not {}", PathOf(name), KindWord(*node)), node, name);
    return readers;
  }
  for (size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode& item = node->items[i];
    const std::string path = fmt::format("{}[{}]", name, i);
    if (item.kind == YamlNode::Kind::kMapping) readers.emplace_back(&item, FieldReader(item, PathOf(path), context_));
    else Mistake(slu::kWrongType, fmt::format("{} needs a mapping, not {}", PathOf(path), KindWord(item)), &item, path);
  }
  return readers;
}

std::optional<FieldReader> FieldReader::Nested(const YamlEntry& entry) {
  if (entry.value.IsNull()) return std::nullopt;  // "vars:" with nothing below it.
  if (entry.value.kind == YamlNode::Kind::kMapping) return FieldReader(entry.value, PathOf(entry.key), context_);
  Mistake(slu::kWrongType, fmt::format("{} needs a mapping, not {}", PathOf(entry.key), KindWord(entry.value)), &entry.value, entry.key);
  return std::nullopt;
}

void FieldReader::RefuseOthers() {
  for (const YamlEntry& entry : mapping_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    if (path_.empty() && entry.key.starts_with("x-")) continue;  // People's own notes.
    const auto meant = DidYouMean(entry.key, known_);
    context_.mistakes.push_back(
        {.code = slu::kUnknownField,
         .message = fmt::format("unknown field \"{}\" {}", Printable(entry.key), path_.empty() ? "at the top of the file" : "in " + path_),
         .place = entry.place, .length = entry.length,
         .hint = meant ? fmt::format("did you mean \"{}\"?", *meant) : "",
         .path = {}, .why = {},
         .fix = fmt::format("{} the field. Allowed here: {}", meant ? "rename" : "remove", fmt::join(known_, ", "))});
  }
}

}  // namespace sluice
