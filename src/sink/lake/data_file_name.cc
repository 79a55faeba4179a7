#include "sink/lake/data_file_name.h"

#include <fmt/format.h>

#include <charconv>

#include "iceberg/snapshot_producer.h"

namespace sluice {

std::string NewDataFileName(uint64_t epoch, std::string_view ending) { return fmt::format("e{:06}-{}{}", epoch, iceberg::NewUuid(), ending); }

std::optional<uint64_t> EpochOfDataFile(std::string_view uri) {
  const std::string_view name = uri.substr(uri.rfind('/') + 1);
  if (!name.starts_with('e') || (!name.ends_with(".parquet") && !name.ends_with(".puffin"))) return std::nullopt;
  uint64_t epoch = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), epoch);
  return error == std::errc() && end != name.data() + 1 && *end == '-' ? std::optional(epoch) : std::nullopt;
}

}  // namespace sluice
