#include "storage/canonical_path.h"

#include <fmt/format.h>

#include "observability/error_catalog.h"

namespace sluice {

Result<std::string> CanonicalPath(std::string_view path) {
  std::string canonical;
  for (std::string_view rest = path; !rest.empty();) {
    const size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") return Error{ErrorKind::kNeedsOperator, "a storage location holds '..'", slu::kStorageLocation};
    canonical.append("/").append(segment);
  }
  if (canonical.find_first_of("%?#") != std::string::npos)
    return Error{ErrorKind::kNeedsOperator, fmt::format("the storage location {} holds one of '%', '?', '#'", canonical), slu::kStorageLocation};
  return canonical;
}

std::string CanonicalUri(std::string_view uri) {
  const auto with = [&](std::string_view theirs, std::string_view ours) { return std::string(ours).append(uri.substr(theirs.size())); };
  if (uri.starts_with("file:/") && !uri.starts_with("file://")) return with("file:", "file://");
  for (const std::string_view theirs : {"s3a://", "s3n://"})
    if (uri.starts_with(theirs)) return with(theirs, "s3://");
  if (uri.starts_with("gcs://")) return with("gcs://", "gs://");
  for (const std::string_view theirs : {"abfss://", "abfs://", "wasbs://", "wasb://"}) {
    if (!uri.starts_with(theirs)) continue;
    constexpr std::string_view kOurs = "abfss://";
    std::string ours = with(theirs, kOurs);
    const size_t blob = ours.find(".blob."), path = ours.find('/', kOurs.size());
    if (blob < path) ours.replace(blob, 6, ".dfs.");
    return ours;
  }
  return std::string(uri);
}

}  // namespace sluice
