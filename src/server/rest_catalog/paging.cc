#include "server/rest_catalog/paging.h"

#include <algorithm>
#include <charconv>

namespace sluice {

Result<Page> PageOf(std::vector<std::string> names, const FormFields& query) {
  size_t size = kPageNamesMax;
  if (const auto asked = Find(query, "pageSize"); asked && !asked->empty()) {
    const auto [end, failed] = std::from_chars(asked->data(), asked->data() + asked->size(), size);
    if (failed != std::errc() || end != asked->data() + asked->size() || size == 0) return Error{ErrorKind::kCorrupt, "pageSize is a number above 0"};
    size = std::min(size, kPageNamesMax);
  }
  const std::string after(Find(query, "pageToken").value_or(""));
  const auto first = after.empty() ? names.begin() : std::upper_bound(names.begin(), names.end(), after);
  names.erase(names.begin(), first);
  Page page;
  if (names.size() > size) {
    names.resize(size);
    page.next = names.back();
  }
  page.names = std::move(names);
  return page;
}

}  // namespace sluice
