#pragma once
// YAML as a tree that knows where each piece stands. Stricter than YAML: no aliases, anchors or tags, no key twice,
// one document, bounded size and depth.

#include <optional>
#include <string>
#include <vector>

#include "config/mistake.h"

namespace sluice {

inline constexpr size_t kYamlBytesMax = 1 << 20;  // Real files have a few KiB.
inline constexpr size_t kYamlDepthMax = 32;       // Ours needs 7.
inline constexpr size_t kYamlNodesMax = 50'000;

struct YamlEntry;

struct YamlNode {
  enum class Kind { kScalar, kSequence, kMapping };

  Kind kind = Kind::kScalar;
  ConfigPlace place;
  size_t length = 1;               ///< Characters on its first line.
  std::string text;                ///< Of a scalar, unescaped.
  bool plain = false;              ///< A scalar without quotes.
  std::vector<YamlNode> items;     ///< Of a sequence.
  std::vector<YamlEntry> entries;  ///< Of a mapping, in the order of the file.

  /// A plain scalar that says nothing: empty, ~ or null.
  bool IsNull() const { return kind == Kind::kScalar && plain && (text.empty() || text == "~" || text == "null"); }
  const YamlEntry* Find(std::string_view key) const;
  YamlEntry* Find(std::string_view key);
};

struct YamlEntry {
  std::string key;
  ConfigPlace place;  ///< Of the key.
  size_t length = 1;
  YamlNode value;
};

/// Parses texts[text]. nullopt, with what is wrong added to `mistakes`, if the parser could not go on; mistakes
/// that leave a tree (a key twice: the first counts) are added too. An empty file is an empty mapping.
std::optional<YamlNode> ParseYaml(const std::string& text, size_t text_index, ConfigMistakes& mistakes);

}  // namespace sluice
