#pragma once
// Parts of large files below a table's location whose writer is gone: what a crash in the middle of an upload left behind.

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "sink/lake/orphans.h"
#include "storage/object_store.h"

namespace sluice {

/// Those that nobody alive can go on with. Errors: as ObjectStore.
Result<std::vector<UnfinishedUpload>> FindLeftUploads(ObjectStore& store, const std::string& location, const OrphanAge& age);

struct AbortedUploads {
  int64_t count = 0;
  Status status;  ///< Why the others, or any at all, are still there.
};
AbortedUploads AbortLeftUploads(ObjectStore& store, const std::string& location, const OrphanAge& age, const std::stop_token& stop);

/// For people: what stays, and why. Such uploads cost space alone, so that nothing else waits for them.
std::string WhyUploadsStay(const Error& error);

/// Whether it will be the same the next time, unlike a store that does not answer.
bool IsRefusal(const Error& error);

}  // namespace sluice
