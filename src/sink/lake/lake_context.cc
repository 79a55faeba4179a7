#include "sink/lake/lake_context.h"

#include <fmt/format.h>

#include "sink/lake/data_file_name.h"

namespace sluice {

std::string NewDataFileUri(const LakeContext& context, const std::string& location, const std::string& partition_path,
                           std::string_view ending) {
  return fmt::format("{}/data/{}{}{}", location, partition_path, partition_path.empty() ? "" : "/", NewDataFileName(context.epoch, ending));
}

}  // namespace sluice
