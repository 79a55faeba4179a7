#pragma once
// The sluice.yaml that init writes.

#include <map>
#include <optional>
#include <string>

#include "cli/dsn_parts.h"

namespace sluice::cli {

struct ConfigTemplate {
  std::string project;
  DsnParts source;
  std::optional<DsnParts> replica;
  std::string warehouse;                       ///< Empty: no lake.
  std::string catalog_path;                    ///< Of a warehouse in a bucket, which cannot hold the catalog's file.
  std::string endpoint, region;                ///< Of the bucket's store; empty: the cloud's own.
  bool has_account_key = false;                ///< In the environment, of Azure's account.
  std::string yaml;                            ///< Filled.
  std::map<std::string, std::string> secrets;  ///< Filled: what must stand in .sluice/secrets, by file name.
};

/// Writes `yaml` and `secrets` from the rest.
void FillTemplate(ConfigTemplate& content);

}  // namespace sluice::cli
