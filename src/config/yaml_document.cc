#include "config/yaml_document.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <memory>

#include "config/printable.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

// The C library's parser and events, freed whatever happens.
struct Parser {
  yaml_parser_t value;
  bool ready;
  Parser() : value(), ready(yaml_parser_initialize(&value) == 1) {}
  ~Parser() {
    if (ready) yaml_parser_delete(&value);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
};

struct Event {
  yaml_event_t value{};
  Event() = default;
  ~Event() { yaml_event_delete(&value); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
};

class Reader {
 public:
  Reader(const std::string& text, size_t text_index, ConfigMistakes& mistakes)
      : text_(text), text_index_(text_index), mistakes_(mistakes) {}

  std::optional<YamlNode> Read() {
    if (!parser_.ready) return Fail(slu::kYamlSyntax, "the YAML parser could not start", {});
    yaml_parser_set_input_string(&parser_.value, reinterpret_cast<const unsigned char*>(text_.data()), text_.size());
    yaml_parser_set_encoding(&parser_.value, YAML_UTF8_ENCODING);
    std::optional<YamlNode> root;
    for (;;) {
      Event event;
      if (!Next(event)) return std::nullopt;
      switch (event.value.type) {
        case YAML_STREAM_END_EVENT:
          if (root) return root;
          return YamlNode{.kind = YamlNode::Kind::kMapping, .place = {text_index_, 1, 1}, .text = {}, .items = {}, .entries = {}};
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
        case YAML_NO_EVENT:
          break;
        case YAML_DOCUMENT_START_EVENT:
          if (root) return Fail(slu::kYamlSyntax, "a configuration is one YAML document; a second one starts here", event.value.start_mark);
          break;
        case YAML_ALIAS_EVENT:
        case YAML_SCALAR_EVENT:
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
          root = Node(event, 0);
          if (!root) return std::nullopt;
          break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
          return Fail(slu::kYamlSyntax, "an unexpected end", event.value.start_mark);
      }
    }
  }

 private:
  ConfigPlace PlaceOf(const yaml_mark_t& mark) const { return {text_index_, mark.line + 1, mark.column + 1}; }

  std::nullopt_t Fail(int code, std::string message, const yaml_mark_t& mark) {
    mistakes_.push_back({.code = code, .message = std::move(message), .place = PlaceOf(mark)});
    return std::nullopt;
  }

  bool Next(Event& event) {
    if (yaml_parser_parse(&parser_.value, &event.value) == 1) return true;
    const yaml_parser_t& parser = parser_.value;
    yaml_mark_t mark = parser.problem_mark;
    if (parser.error == YAML_READER_ERROR) {  // Knows only a byte offset.
      const size_t offset = std::min(parser.problem_offset, text_.size());
      const std::string_view before = std::string_view(text_).substr(0, offset);
      mark.line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
      const size_t line_start = before.rfind('\n');
      mark.column = offset - (line_start == std::string_view::npos ? 0 : line_start + 1);
    }
    std::string message = fmt::format("not valid YAML: {}", parser.problem != nullptr ? parser.problem : "out of memory");
    if (parser.context != nullptr)
      message += fmt::format(" ({}, line {})", parser.context, parser.context_mark.line + 1);
    Fail(slu::kYamlSyntax, std::move(message), mark);
    return false;
  }

  size_t LengthOf(const yaml_event_t& event) const {
    if (event.end_mark.line != event.start_mark.line || event.end_mark.column <= event.start_mark.column) return 1;
    return event.end_mark.column - event.start_mark.column;
  }

  // Anchors do no harm without aliases, but whoever writes one wants an alias; tags would change types.
  bool Refused(const yaml_event_t& event) {
    const unsigned char* anchor = nullptr;
    const unsigned char* tag = nullptr;
    if (event.type == YAML_ALIAS_EVENT) anchor = event.data.alias.anchor;
    if (event.type == YAML_SCALAR_EVENT) anchor = event.data.scalar.anchor, tag = event.data.scalar.tag;
    if (event.type == YAML_SEQUENCE_START_EVENT) anchor = event.data.sequence_start.anchor, tag = event.data.sequence_start.tag;
    if (event.type == YAML_MAPPING_START_EVENT) anchor = event.data.mapping_start.anchor, tag = event.data.mapping_start.tag;
    if (anchor == nullptr && tag == nullptr) return false;
    const char* const word = event.type == YAML_ALIAS_EVENT ? "alias *" : anchor != nullptr ? "anchor &" : "tag ";
    const auto* const name = reinterpret_cast<const char*>(anchor != nullptr ? anchor : tag);
    mistakes_.push_back({.code = slu::kYamlAlias, .message = fmt::format("{}{} is not taken", word, Printable(name)),
                         .place = PlaceOf(event.start_mark), .length = LengthOf(event)});
    return event.type == YAML_ALIAS_EVENT;
  }

  std::optional<YamlNode> Node(const Event& start, size_t depth) {
    const yaml_event_t& event = start.value;
    if (depth > kYamlDepthMax) return Fail(slu::kYamlLimit, fmt::format("nested more than {} levels deep", kYamlDepthMax), event.start_mark);
    if (++nodes_ > kYamlNodesMax) return Fail(slu::kYamlLimit, fmt::format("more than {} values", kYamlNodesMax), event.start_mark);
    YamlNode node;
    node.place = PlaceOf(event.start_mark);
    node.length = LengthOf(event);
    if (Refused(event)) return node;
    if (event.type == YAML_SCALAR_EVENT) {
      node.text.assign(reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length);
      node.plain = event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
      return node;
    }
    node.length = 1;
    if (event.type == YAML_SEQUENCE_START_EVENT) return Sequence(std::move(node), depth);
    return Mapping(std::move(node), depth);
  }

  std::optional<YamlNode> Sequence(YamlNode node, size_t depth) {
    node.kind = YamlNode::Kind::kSequence;
    for (;;) {
      Event event;
      if (!Next(event)) return std::nullopt;
      if (event.value.type == YAML_SEQUENCE_END_EVENT) return node;
      std::optional<YamlNode> item = Node(event, depth + 1);
      if (!item) return std::nullopt;
      node.items.push_back(std::move(*item));
    }
  }

  std::optional<YamlNode> Mapping(YamlNode node, size_t depth) {
    node.kind = YamlNode::Kind::kMapping;
    for (;;) {
      Event event;
      if (!Next(event)) return std::nullopt;
      if (event.value.type == YAML_MAPPING_END_EVENT) return node;
      const yaml_mark_t mark = event.value.start_mark;
      std::optional<YamlNode> key = Node(event, depth + 1);
      if (!key) return std::nullopt;
      if (key->kind != YamlNode::Kind::kScalar) return Fail(slu::kYamlSyntax, "a key must be a single word", mark);
      Event value_event;
      if (!Next(value_event)) return std::nullopt;
      std::optional<YamlNode> value = Node(value_event, depth + 1);
      if (!value) return std::nullopt;
      Add(node, std::move(*key), std::move(*value));
    }
  }

  void Add(YamlNode& mapping, YamlNode key, YamlNode value) {
    if (const YamlEntry* first = mapping.Find(key.text)) {
      mistakes_.push_back({.code = slu::kDuplicateKey,
                           .message = fmt::format("\"{}\" stands twice here", Printable(key.text)),
                           .place = key.place, .length = key.length,
                           .hint = fmt::format("first on line {}", first->place.line)});
      return;
    }
    mapping.entries.push_back({std::move(key.text), key.place, key.length, std::move(value)});
  }

  const std::string& text_;
  const size_t text_index_;
  ConfigMistakes& mistakes_;
  Parser parser_;
  size_t nodes_ = 0;
};

}  // namespace

const YamlEntry* YamlNode::Find(std::string_view key) const {
  for (const YamlEntry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

YamlEntry* YamlNode::Find(std::string_view key) { return const_cast<YamlEntry*>(std::as_const(*this).Find(key)); }

std::optional<YamlNode> ParseYaml(const std::string& text, size_t text_index, ConfigMistakes& mistakes) {
  if (text.size() > kYamlBytesMax) {
    mistakes.push_back({.code = slu::kYamlLimit, .message = fmt::format("{} bytes, at most {} are read", text.size(), kYamlBytesMax),
                        .place = {text_index, 1, 1}});
    return std::nullopt;
  }
  return Reader(text, text_index, mistakes).Read();
}

}  // namespace sluice
