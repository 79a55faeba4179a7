#pragma once
// From YAML to Config, or to all of its mistakes.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/interpolation.h"
#include "config/mistake.h"

namespace sluice {

struct LoadedConfig {
  std::optional<Config> config;   ///< Absent if there is any mistake.
  ConfigMistakes mistakes;        ///< In the order of the file.
  std::vector<ConfigText> texts;  ///< The file, then the overrides: what the mistakes' places refer to.
};

/// Reads a configuration from memory. `file`: its name as people typed it, and its bytes. `overrides`: -X texts.
/// `folder`: absolute; relative paths in the file start there. Bad input of any kind is a mistake, never a crash.
LoadedConfig ReadConfig(ConfigText file, const std::vector<std::string>& overrides, const std::string& folder,
                        std::function<std::optional<std::string>(const std::string&)> environment = FromEnvironment);

/// The same for a file. Error: kNeedsOperator with code 1001 or 1002 if it is missing or unreadable.
Result<LoadedConfig> LoadConfigFile(const std::string& path, const std::vector<std::string>& overrides);

/// Where the configuration is: `given` if not empty, else $SLUICE_CONFIG, ./sluice.yaml, /etc/sluice/sluice.yaml.
/// Error: 1001.
Result<std::string> FindConfigFile(const std::string& given);

/// All mistakes as one error with code 1003, its evidence their rendering.
Error ToError(const LoadedConfig& loaded);

}  // namespace sluice
