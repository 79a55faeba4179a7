#include "server/http/router.h"

#include "base/check.h"

namespace sluice {
namespace {

bool IsName(std::string_view segment) { return segment.starts_with('{'); }

bool Fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return false;
  for (size_t i = 0; i < path.size(); ++i)
    if (!IsName(pattern[i]) && pattern[i] != path[i]) return false;
  return true;
}

}  // namespace

void Router::Add(std::string method, std::string_view pattern, Handler handler) {
  auto parsed = ParseTarget(pattern);
  SLUICE_CHECK(parsed.ok());
  entries_.push_back({std::move(method), std::move(parsed->path), std::move(handler)});
}

HttpResponse Router::Route(RoutedRequest request) const {
  for (const Entry& entry : entries_) {
    if (entry.method != request.http.method || !Fits(entry.pattern, request.target.path)) continue;
    for (size_t i = 0; i < entry.pattern.size(); ++i)
      if (IsName(entry.pattern[i])) request.names[entry.pattern[i].substr(1, entry.pattern[i].size() - 2)] = request.target.path[i];
    return entry.handler(request);
  }
  return otherwise_(request);
}

}  // namespace sluice
