#include "storage/arrow_error.h"

#include <arrow/util/io_util.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "observability/error_catalog.h"

namespace sluice {

Error FromErrno(int number, std::string_view doing, std::string_view object) {
  const std::string evidence = fmt::format("system: {}", std::strerror(number));
  const std::string message = fmt::format("{} {}: {}", doing, object, std::strerror(number));
  switch (number) {
    case ENOENT:
      return Error{ErrorKind::kCorrupt, message, slu::kStorageNotFound, evidence};
    case ENOSPC:
    case EDQUOT:
      return Error{ErrorKind::kUnavailable, message, slu::kStorageFull, evidence};
    case EACCES:
    case EPERM:
    case EROFS:
      return Error{ErrorKind::kNeedsOperator, message, slu::kStoragePermission, evidence};
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
      return Error{ErrorKind::kNeedsOperator, message, slu::kStorageLocation, evidence};
    default:
      return Error{ErrorKind::kUnavailable, message, slu::kStorageFailed, evidence};
  }
}

Error ErrorFromArrow(const arrow::Status& status, std::string_view object) {
  if (const int number = arrow::internal::ErrnoFromStatus(status); number != 0)
    return FromErrno(number, "using", object);
  const std::string message = fmt::format("using {}: {}", object, status.message());
  const std::string evidence = "arrow: " + status.ToString();
  const std::string& text = status.message();
  if (text.find("NOT_FOUND") != std::string::npos || text.find("Not Found") != std::string::npos ||
      text.find("does not exist") != std::string::npos)
    return Error{ErrorKind::kCorrupt, message, slu::kStorageNotFound, evidence};
  if (text.find("ACCESS_DENIED") != std::string::npos ||
      text.find("Forbidden") != std::string::npos)
    return Error{ErrorKind::kNeedsOperator, message, slu::kStoragePermission, evidence};
  if (status.IsInvalid() || status.IsNotImplemented())
    return Error{ErrorKind::kNeedsOperator, message, slu::kStorageLocation, evidence};
  return Error{ErrorKind::kUnavailable, message, slu::kStorageFailed, evidence};
}

Status FromArrow(const arrow::Status& status, std::string_view object) {
  return status.ok() ? Ok() : Status(ErrorFromArrow(status, object));
}

Result<std::string> ReadFrom(arrow::io::RandomAccessFile& file, std::string_view object,
                             int64_t offset, int64_t length) {
  // The length comes from the file's own size, so it is safe to allocate.
  std::string bytes(static_cast<size_t>(length), '\0');
  const auto read = file.ReadAt(offset, length, bytes.data());
  if (!read.ok()) return ErrorFromArrow(read.status(), object);
  if (*read != length)
    return Error{ErrorKind::kCorrupt, fmt::format("{} became shorter while it was read", object),
                 slu::kStorageFailed};
  return bytes;
}

}  // namespace sluice
