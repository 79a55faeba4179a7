#include "config/config_loader.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "config/field_reader.h"
#include "config/override.h"
#include "config/printable.h"
#include "config/sections.h"
#include "config/serve_section.h"
#include "config/yaml_document.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

void ReadVersion(FieldReader& top) {
  int version = 1;
  const YamlNode* node = top.Integer("version", version, 1, 1'000'000);
  if (node != nullptr && version != 1)
    top.Mistake(slu::kNotSupported, fmt::format("version {} of the configuration is not known", version), node, "version", "",
                "This program reads version 1.", "version: 1");
}

void ReadProject(FieldReader& top, std::string& project) {
  const YamlNode* node = top.Text("project", project);
  if (node == nullptr) return;
  const bool good = project.size() <= 40 && project.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
  if (!good)
    top.Mistake(slu::kBadValue, fmt::format("project cannot be {}", Quoted(*node)), node, "project", "",
                "It becomes part of the name of the slot: at most 40 characters, a to z, 0 to 9, _ and -.", "choose another name");
}

// In the order of the file, so that one may use those above it.
void ReadVars(FieldReader& vars, InterpolationSources& sources) {
  for (const YamlEntry& entry : vars.entries())
    if (auto text = vars.Resolve(entry.value, entry.key)) sources.vars[entry.key] = std::move(*text);
}

void ReadSecretProviders(FieldReader& secrets, const std::string& folder, InterpolationSources& sources) {
  for (const YamlEntry& entry : secrets.entries()) {
    auto provider = secrets.Nested(entry);
    if (!provider) continue;
    std::string type, dir;
    provider->Choice("type", type, {"file"}, Presence::kRequired);
    if (provider->Text("dir", dir, Presence::kRequired) != nullptr)
      sources.secret_folders[entry.key] = dir.starts_with('/') ? dir : folder + "/" + dir;
    else sources.secret_folders[entry.key] = folder;  // Its uses are no further mistakes.
    provider->RefuseOthers();
  }
}

void ReadTop(FieldReader& top, const std::string& folder, ReadContext& context, Config& config) {
  ReadVersion(top);
  ReadProject(top, config.project);
  if (auto vars = top.Mapping("vars")) ReadVars(*vars, context.sources);
  if (auto secrets = top.Mapping("secrets")) ReadSecretProviders(*secrets, folder, context.sources);
  DeclaredParts parts;
  if (auto sources = top.Mapping("sources", Presence::kRequired)) ReadSources(*sources, config.project, parts);
  if (auto sinks = top.Mapping("sinks", Presence::kRequired)) ReadSinks(*sinks, folder, parts);
  if (auto pipelines = top.Mapping("pipelines", Presence::kRequired)) ReadPipelines(*pipelines, parts, config);
  if (auto serve = top.Mapping("serve")) ReadServe(*serve, folder, !context.mistakes.empty(), config);
  if (auto observe = top.Mapping("observe")) ReadObserve(*observe, config);
  top.RefuseOthers();
}

}  // namespace

LoadedConfig ReadConfig(ConfigText file, const std::vector<std::string>& overrides, const std::string& folder,
                        std::function<std::optional<std::string>(const std::string&)> environment) {
  LoadedConfig loaded;
  loaded.texts.push_back(std::move(file));
  for (const std::string& text : overrides) loaded.texts.push_back({"-X", text});
  std::optional<YamlNode> root = ParseYaml(loaded.texts[0].text, 0, loaded.mistakes);
  if (!root) return loaded;
  if (root->IsNull()) root->kind = YamlNode::Kind::kMapping;
  if (root->kind != YamlNode::Kind::kMapping) {
    loaded.mistakes.push_back({.code = slu::kWrongType, .message = "a configuration is a mapping: key: value", .place = root->place});
    return loaded;
  }
  for (size_t i = 0; i < overrides.size(); ++i) ApplyOverride(overrides[i], i + 1, *root, loaded.mistakes);
  ReadContext context{{std::move(environment), {}, {{"file", folder + "/.sluice/secrets"}}}, loaded.texts, loaded.mistakes};
  FieldReader top(*root, "", context);
  Config config;
  config.path = loaded.texts[0].name;
  config.state_folder = folder + "/.sluice";
  ReadTop(top, folder, context, config);
  if (config.lake) config.lake->index_folder = config.state_folder + "/index";
  SortByPlace(loaded.mistakes);
  if (loaded.mistakes.empty()) loaded.config = std::move(config);
  return loaded;
}

Result<LoadedConfig> LoadConfigFile(const std::string& path, const std::vector<std::string>& overrides) {
  const auto unreadable = [&](int code, std::string why) {
    return Error{ErrorKind::kNeedsOperator, fmt::format("cannot read {}", Printable(path)), code, std::move(why)};
  };
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0)
    return unreadable(errno == ENOENT ? slu::kConfigNotFound : slu::kConfigUnreadable, std::strerror(errno));
  if (S_ISDIR(facts.st_mode)) return unreadable(slu::kConfigUnreadable, "it is a folder");
  std::ifstream stream(path, std::ios::binary);
  ConfigText file{path, std::string(kYamlBytesMax + 1, '\0')};
  stream.read(file.text.data(), static_cast<std::streamsize>(file.text.size()));
  file.text.resize(static_cast<size_t>(stream.gcount()));
  if (stream.bad() || !stream.eof() ? file.text.size() <= kYamlBytesMax : false)
    return unreadable(slu::kConfigUnreadable, std::strerror(errno));
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  if (failed) return unreadable(slu::kConfigUnreadable, failed.message());
  return ReadConfig(std::move(file), overrides, absolute.parent_path().lexically_normal().string());
}

Result<std::string> FindConfigFile(const std::string& given) {
  if (!given.empty()) return given;
  if (const auto named = FromEnvironment("SLUICE_CONFIG"); named && !named->empty()) return *named;
  for (const char* const path : {"sluice.yaml", "/etc/sluice/sluice.yaml"})
    if (access(path, F_OK) == 0) return std::string(path);
  return Error{ErrorKind::kNeedsOperator, "there is no sluice.yaml in this folder", slu::kConfigNotFound};
}

Error ToError(const LoadedConfig& loaded) {
  Error error{ErrorKind::kNeedsOperator,
              loaded.mistakes.size() == 1 ? fmt::format("{} has a mistake", Printable(loaded.texts[0].name))
                                          : fmt::format("{} has {} mistakes", Printable(loaded.texts[0].name), loaded.mistakes.size()),
              slu::kConfigMistakes};
  for (const ConfigMistake& mistake : loaded.mistakes) {
    if (!error.evidence.empty()) error.evidence += '\n';
    error.evidence += RenderMistake(mistake, loaded.texts);
  }
  return error;
}

}  // namespace sluice
