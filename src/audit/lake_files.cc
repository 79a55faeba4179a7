#include "audit/lake_files.h"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <fmt/format.h>

#include "audit/rules.h"
#include "storage/arrow_error.h"

namespace sluice::audit {

void LakeFiles::List(const std::string& location) {
  const auto listed = store_.List(location);
  if (!listed.ok()) return;  // Each file is asked for by itself then, and says what is wrong.
  for (const ObjectInfo& object : *listed) sizes_[object.uri] = object.size_bytes;
}

void LakeFiles::AddFinding(const Error& error, const std::string& uri, const std::string& needed_by) {
  const bool missing = IsNotFound(error);
  findings_.Add(missing ? kMissingFile : kUnreadFile, uri, missing ? fmt::format("it is missing; {} names it", needed_by) : fmt::format("it cannot be read: {}", error.message));
}

std::optional<int64_t> LakeFiles::SizeOf(const std::string& uri, const std::string& needed_by) {
  if (const auto known = sizes_.find(uri); known != sizes_.end()) return known->second;
  const auto input = store_.OpenInput(uri);
  if (!input.ok()) {
    AddFinding(input.error(), uri, needed_by);
    return std::nullopt;
  }
  const auto size = (*input)->GetSize();
  if (!size.ok()) {
    AddFinding(ErrorFromArrow(size.status(), uri), uri, needed_by);
    return std::nullopt;
  }
  sizes_[uri] = *size;
  return *size;
}

std::optional<std::string> LakeFiles::Read(const std::string& uri, int64_t bytes_max, const std::string& needed_by) {
  const auto size = SizeOf(uri, needed_by);
  if (!size) return std::nullopt;
  if (*size > bytes_max) {
    findings_.Add(kTooLarge, uri, fmt::format("it has {} bytes, more than the {} that are read", *size, bytes_max));
    return std::nullopt;
  }
  Result<std::string> bytes = store_.Get(uri);
  if (bytes.ok()) return std::move(*bytes);
  AddFinding(bytes.error(), uri, needed_by);
  return std::nullopt;
}

}  // namespace sluice::audit
