#include "config/override.h"

#include <fmt/format.h>

#include "config/printable.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

// The key at the front of a path: the longest that is there already, else what stands before the next dot.
std::string_view NextKey(const YamlNode& mapping, std::string_view path) {
  std::string_view best = path.substr(0, path.find('.'));
  for (const YamlEntry& entry : mapping.entries) {
    const bool fits = path == entry.key || (path.starts_with(entry.key) && path[entry.key.size()] == '.');
    if (fits && entry.key.size() > best.size()) best = path.substr(0, entry.key.size());
  }
  return best;
}

}  // namespace

void ApplyOverride(const std::string& override_text, size_t text_index, YamlNode& root, ConfigMistakes& mistakes) {
  const size_t equals = override_text.find('=');
  std::string_view path = std::string_view(override_text).substr(0, equals);
  const ConfigPlace place{text_index, 1, 1};
  const auto refuse = [&](std::string message) {
    mistakes.push_back({.code = slu::kBadOverride, .message = std::move(message), .place = place, .length = path.size()});
  };
  if (equals == std::string::npos || path.empty() || path.front() == '.' || path.back() == '.' || path.find("..") != std::string_view::npos)
    return refuse(fmt::format("\"{}\" is not path=value", Printable(path)));
  // Blanks before the value make the parser's columns those of the whole text.
  const std::string padded = std::string(equals + 1, ' ') + override_text.substr(equals + 1);
  std::optional<YamlNode> value = ParseYaml(padded, text_index, mistakes);
  if (!value) return;
  if (override_text.find_first_not_of(' ', equals + 1) == std::string::npos) *value = {.place = place, .text = {}, .plain = true, .items = {}, .entries = {}};
  YamlNode* at = &root;
  for (std::string_view rest = path;;) {
    if (at->IsNull()) at->kind = YamlNode::Kind::kMapping;
    if (at->kind != YamlNode::Kind::kMapping) return refuse(fmt::format("{} does not exist: a part of the path is a value", Printable(path)));
    const std::string key(NextKey(*at, rest));
    YamlEntry* entry = at->Find(key);
    if (entry == nullptr) {
      at->entries.push_back({key, place, path.size(), YamlNode{.kind = YamlNode::Kind::kMapping, .place = place, .text = {}, .items = {}, .entries = {}}});
      entry = &at->entries.back();
    }
    at = &entry->value;
    if (key.size() == rest.size()) break;
    rest.remove_prefix(key.size() + 1);
  }
  *at = std::move(*value);
}

}  // namespace sluice
