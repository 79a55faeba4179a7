#pragma once
// ${…} in values. It happens after parsing and only inside one scalar, and what it puts in is not looked at again,
// so no variable can change the structure of a configuration.
//
//   ${NAME}                  the environment variable; unset is a mistake, never an empty text
//   ${NAME:-default}         the default where unset or empty
//   ${NAME:?message}         the mistake's own words where unset or empty
//   ${var.NAME}              from `vars:` of the file
//   ${secret:PROVIDER:PATH}  a file; the provider `file` reads from .sluice/secrets beside the configuration
//   $${literal}              ${literal}

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/mistake.h"

namespace sluice {

struct InterpolationSources {
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::map<std::string, std::string> vars;
  std::map<std::string, std::string> secret_folders;  ///< By provider. Relative paths start there.
};

/// Why a text could not be resolved, and where in it.
struct InterpolationMistake {
  int code = 0;
  std::string message;
  size_t offset = 0;  ///< Bytes into the text, of the "${".
  size_t length = 0;
  std::string why = {};
  std::string fix = {};
};

struct Interpolated {
  std::string text;
  std::optional<InterpolationMistake> mistake;  ///< The first.
};

Interpolated Interpolate(std::string_view text, const InterpolationSources& sources);

/// Reads a secret's file: at most 64 KiB, one line end at the end is dropped. Error message in `mistake`.
Interpolated ReadSecretFile(const std::string& path);

/// The real environment.
std::optional<std::string> FromEnvironment(const std::string& name);

}  // namespace sluice
