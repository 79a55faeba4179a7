#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/status.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// The error for a system error number at `object`. ENOENT gives an error for which IsNotFound is
/// true.
Error FromErrno(int number, std::string_view doing, std::string_view object);

/// For what Arrow calls back: ErrorFromArrow gives the same error again.
arrow::Status ToArrow(Error error);

/// From what a store says in words: kUnavailable unless they are known to mean something else.
Error ErrorFromWords(std::string_view words, std::string_view object);

/// `status` is not OK.
Error ErrorFromArrow(const arrow::Status& status, std::string_view object);

/// Ok for an OK status.
Status FromArrow(const arrow::Status& status, std::string_view object);

/// Exactly `length` bytes. Error: as ErrorFromArrow; kCorrupt if the file is shorter.
Result<std::string> ReadFrom(arrow::io::RandomAccessFile& file, std::string_view object,
                             int64_t offset, int64_t length);

}  // namespace sluice
