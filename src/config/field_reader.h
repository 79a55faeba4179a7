#pragma once
// Reads the fields of one mapping into typed variables. A field that is absent leaves its variable at the default;
// every mistake is noted and reading goes on.

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/interpolation.h"
#include "config/mistake.h"
#include "config/yaml_document.h"

namespace sluice {

/// What all readers of one configuration share.
struct ReadContext {
  InterpolationSources sources;
  const std::vector<ConfigText>& texts;
  ConfigMistakes& mistakes;
};

enum class Presence { kOptional, kRequired };

class FieldReader {
 public:
  /// `mapping` and `context` must outlive it. `path`: "sinks.lake", empty at the top.
  FieldReader(const YamlNode& mapping, std::string path, ReadContext& context)
      : mapping_(mapping), path_(std::move(path)), context_(context) {}

  bool Has(std::string_view name) const { return mapping_.Find(name) != nullptr; }
  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view name) const { return path_.empty() ? std::string(name) : path_ + "." + std::string(name); }

  // Each returns the node it read from, nullptr if absent or mistaken.
  const YamlNode* Text(std::string_view name, std::string& out, Presence presence = Presence::kOptional);
  /// A text that must not stand in the file itself, only in a variable or secret.
  const YamlNode* Secret(std::string_view name, std::string& out, std::string_view variable);
  const YamlNode* Choice(std::string_view name, std::string& out, const std::vector<std::string>& words, Presence presence = Presence::kOptional);
  const YamlNode* Texts(std::string_view name, std::vector<std::string>& out, std::vector<const YamlNode*>* nodes = nullptr);
  const YamlNode* Integer(std::string_view name, int& out, int min, int max);
  const YamlNode* Size(std::string_view name, uint64_t& out, uint64_t min, uint64_t max = std::numeric_limits<uint64_t>::max());
  const YamlNode* Duration(std::string_view name, std::chrono::milliseconds& out, std::chrono::milliseconds min, std::chrono::milliseconds max);

  /// A nested mapping; nullopt if absent (a mistake where required) or no mapping.
  std::optional<FieldReader> Mapping(std::string_view name, Presence presence = Presence::kOptional);

  /// A list of mappings, each with its node; one mapping stands for a list of one. Empty if absent.
  std::vector<std::pair<const YamlNode*, FieldReader>> Mappings(std::string_view name);

  /// All entries, for mappings whose keys are names that people choose.
  const std::vector<YamlEntry>& entries() const { return mapping_.entries; }
  /// An entry's value as a mapping; nullopt, with the mistake noted, if it is none.
  std::optional<FieldReader> Nested(const YamlEntry& entry);

  /// Notes every field that nobody asked for.
  void RefuseOthers();

  /// Notes a mistake at a node (nullptr: at this mapping).
  void Mistake(int code, std::string message, const YamlNode* at, std::string_view name, std::string hint = "", std::string why = "", std::string fix = "");
  /// The scalar with variables put in; nullopt, with the mistake noted, if that fails or it is no scalar.
  std::optional<std::string> Resolve(const YamlNode& node, std::string_view name);

 private:
  const YamlNode* Find(std::string_view name, Presence presence);

  const YamlNode& mapping_;
  std::string path_;
  ReadContext& context_;
  std::vector<std::string> known_;  // Fields asked for.
};

/// Turns what stands in the file into something to quote in a message.
std::string Quoted(const YamlNode& node);

}  // namespace sluice
