#pragma once
// The sections of a configuration, each from its mapping.

#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/field_reader.h"

namespace sluice {

/// Everything a file declares, before a pipeline says what is used.
struct DeclaredParts {
  std::map<std::string, SourceConfig> sources;
  std::map<std::string, ReplicaConfig> replicas;
  std::map<std::string, LakeConfig> lakes;
  std::vector<std::string> mistaken;  ///< Names of parts that have mistakes: declared, but not usable.
};

void ReadSources(FieldReader& sources, const std::string& project, DeclaredParts& parts);
/// `folder`: relative paths start there.
void ReadSinks(FieldReader& sinks, const std::string& folder, DeclaredParts& parts);
/// Picks what the one pipeline uses into `config`.
void ReadPipelines(FieldReader& pipelines, const DeclaredParts& parts, Config& config);
void ReadObserve(FieldReader& observe, Config& config);

}  // namespace sluice
