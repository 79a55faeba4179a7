#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::audit {

enum class Packing { kRawDeflate, kGzip };

/// Unpacks at most `bytes_max` bytes. `packed` is not trusted, at most 4 GiB. Error: kCorrupt.
Result<std::string> Inflate(std::string_view packed, Packing packing, size_t bytes_max);

}  // namespace sluice::audit
