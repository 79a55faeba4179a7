#include "sink/lake/left_uploads.h"

namespace sluice {

Result<std::vector<UnfinishedUpload>> FindLeftUploads(ObjectStore& store, const std::string& location, const OrphanAge& age) {
  ASSIGN_OR_RETURN(std::vector<UnfinishedUpload> uploads, store.ListUploads(location));
  std::erase_if(uploads, [&](const UnfinishedUpload& upload) { return !age.IsLeft(upload.uri, upload.initiated_ms); });
  return uploads;
}

AbortedUploads AbortLeftUploads(ObjectStore& store, const std::string& location, const OrphanAge& age, const std::stop_token& stop) {
  AbortedUploads aborted;
  const auto uploads = FindLeftUploads(store, location, age);
  if (!uploads.ok()) return {0, uploads.error()};
  for (const UnfinishedUpload& upload : *uploads) {
    if (stop.stop_requested()) break;
    aborted.status = store.AbortUpload(upload);
    if (!aborted.status.ok()) break;
    ++aborted.count;
  }
  return aborted;
}

std::string WhyUploadsStay(const Error& error) { return "what unfinished uploads left in the store stays: " + error.message; }

bool IsRefusal(const Error& error) { return error.kind == ErrorKind::kNeedsOperator; }

}  // namespace sluice
