#include "config/interpolation.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/free_with.h"
#include "config/did_you_mean.h"
#include "config/printable.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr size_t kSecretBytesMax = 64 << 10;

bool IsName(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

Interpolated Wrong(int code, std::string message, std::string why = "", std::string fix = "") {
  return {{}, InterpolationMistake{code, std::move(message), 0, 0, std::move(why), std::move(fix)}};
}

Interpolated Variable(std::string_view expression, const InterpolationSources& sources) {
  const size_t colon = expression.find(':');
  const std::string name(expression.substr(0, colon));
  const std::string_view rest = colon == std::string_view::npos ? "" : expression.substr(colon);
  if (!IsName(name) || !(rest.empty() || rest.starts_with(":-") || rest.starts_with(":?")))
    return Wrong(slu::kBadInterpolation, fmt::format("${{{}}} is no form that sluice knows", Printable(expression)));
  const std::optional<std::string> value = sources.environment(name);
  if (value && (rest.empty() || !value->empty())) return {*value, {}};
  if (rest.starts_with(":-")) return {std::string(rest.substr(2)), {}};
  std::string why = rest.empty() ? "" : fmt::format("the configuration requires it: \"{}\"", Printable(rest.substr(2)));
  return Wrong(slu::kVariableUnset, fmt::format("${{{}}} has no value", name), std::move(why),
               fmt::format("export {}=…\nuse a default: ${{{}:-…}}", name, name));
}

Interpolated Var(const std::string& name, const InterpolationSources& sources) {
  const auto found = sources.vars.find(name);
  if (found != sources.vars.end()) return {found->second, {}};
  std::vector<std::string> names;
  for (const auto& [known, value] : sources.vars) names.push_back(known);
  const auto meant = DidYouMean(name, names);
  return Wrong(slu::kUnknownName, fmt::format("${{var.{}}} is not declared under vars", Printable(name)), "",
               meant ? fmt::format("write ${{var.{}}}", Printable(*meant)) : "declare it under vars");
}

Interpolated Secret(std::string_view reference, const InterpolationSources& sources) {
  const size_t colon = reference.find(':');
  if (colon == std::string_view::npos || colon + 1 == reference.size())
    return Wrong(slu::kBadInterpolation, "a secret is ${secret:PROVIDER:PATH}", "", "for a file: ${secret:file:NAME}");
  const std::string provider(reference.substr(0, colon));
  const std::string path(reference.substr(colon + 1));
  const auto folder = sources.secret_folders.find(provider);
  if (folder == sources.secret_folders.end())
    return Wrong(slu::kUnknownName, fmt::format("there is no provider of secrets named \"{}\"", Printable(provider)), "",
                 "use the provider `file`, or declare one under secrets: NAME: { type: file, dir: /run/secrets }");
  if (path[0] == '/') return ReadSecretFile(path);
  if (path == ".." || path.starts_with("../") || path.find("/../") != std::string::npos || path.ends_with("/.."))
    return Wrong(slu::kBadInterpolation, "a secret's path may not leave its folder");
  return ReadSecretFile(folder->second + "/" + path);
}

Interpolated Expand(std::string_view expression, const InterpolationSources& sources) {
  if (expression.find("${") != std::string_view::npos)
    return Wrong(slu::kBadInterpolation, "${…} inside ${…} is not taken", "", "put the inner one under vars and use ${var.NAME}");
  if (expression.starts_with("var.")) return Var(std::string(expression.substr(4)), sources);
  if (expression.starts_with("secret:")) return Secret(expression.substr(7), sources);
  return Variable(expression, sources);
}

}  // namespace

Interpolated ReadSecretFile(const std::string& path) {
  const auto unreadable = [&](const char* reason) {
    return Wrong(slu::kSecretUnreadable, fmt::format("the secret in {} cannot be read", Printable(path)), reason);
  };
  if (path.find('\0') != std::string::npos) return unreadable("the path holds a zero byte");
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return unreadable(std::strerror(errno));
  if (!S_ISREG(facts.st_mode)) return unreadable("it is not a file");  // A pipe would block.
  const std::unique_ptr<std::FILE, FreeWith<std::fclose>> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return unreadable(std::strerror(errno));
  std::string secret(kSecretBytesMax + 1, '\0');
  secret.resize(std::fread(secret.data(), 1, secret.size(), file.get()));
  if (secret.size() > kSecretBytesMax) return unreadable("it is larger than 64 KiB");
  if (secret.find('\0') != std::string::npos) return unreadable("it holds a zero byte");
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  return {std::move(secret), {}};
}

Interpolated Interpolate(std::string_view text, const InterpolationSources& sources) {
  Interpolated out;
  for (size_t at = 0; at < text.size();) {
    const size_t dollar = text.find('$', at);
    out.text += text.substr(at, dollar - at);
    if (dollar == std::string_view::npos) break;
    const bool literal = text.substr(dollar, 3) == "$${";
    if (!literal && text.substr(dollar, 2) != "${") {
      out.text += '$';
      at = dollar + 1;
      continue;
    }
    const size_t close = text.find('}', dollar);
    const size_t end = close == std::string_view::npos ? text.size() : close + 1;
    if (literal) {
      out.text += text.substr(dollar + 1, end - dollar - 1);
      at = end;
      continue;
    }
    Interpolated part = close == std::string_view::npos
                            ? Wrong(slu::kBadInterpolation, "a ${ has no closing brace")
                            : Expand(text.substr(dollar + 2, close - dollar - 2), sources);
    if (part.mistake) {
      part.mistake->offset = dollar;
      part.mistake->length = end - dollar;
      out.mistake = std::move(part.mistake);
      return out;
    }
    out.text += part.text;
    at = end;
  }
  return out;
}

std::optional<std::string> FromEnvironment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

}  // namespace sluice
