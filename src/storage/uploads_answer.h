#pragma once
// What a store of S3 answers when it is asked for unfinished uploads. Its bytes are a stranger's.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice {

struct ListedUpload {
  std::string key;
  std::string id;
  int64_t initiated_ms = 0;  ///< Milliseconds since 1970.
};

struct UploadsPage {
  std::vector<ListedUpload> uploads;
  bool is_last = true;
  std::string next_key, next_id;  ///< Where the next page begins.
};

/// What lacks a key, an id or a time that can be read is left out. Error: kCorrupt (4005) if it is no such answer.
Result<UploadsPage> UploadsPageFrom(std::string_view xml);

/// The code of an error ("AccessDenied") and, behind a colon, what it says, on one line; empty if it is no error of S3.
std::string RefusalFrom(std::string_view xml);

}  // namespace sluice
