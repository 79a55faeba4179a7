#pragma once
// Long lists in pages: a page token is the last name of the page before.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/http/request_target.h"

namespace sluice {

inline constexpr size_t kPageNamesMax = 1000;

struct Page {
  std::vector<std::string> names;
  std::optional<std::string> next;  ///< The token of the page behind; nullopt: this is the last.
};

/// `names`: sorted. `query`: pageToken and pageSize, where given. Error: kCorrupt: pageSize is no number above 0.
Result<Page> PageOf(std::vector<std::string> names, const FormFields& query);

}  // namespace sluice
