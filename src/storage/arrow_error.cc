#include "storage/arrow_error.h"

#include <arrow/util/io_util.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

// What the stores and the SDKs of the clouds call it; Arrow passes on no more than the text.
constexpr std::array<std::string_view, 4> kNoBucket = {"NO_SUCH_BUCKET", "NoSuchBucket", "ContainerNotFound", "bucket does not exist"};
constexpr std::array<std::string_view, 4> kNotThere = {"NO_SUCH_KEY", "NOT_FOUND", "Not Found", "does not exist"};
// The chain may have others by the next time.
constexpr std::array<std::string_view, 8> kExpired = {"Failed to get token", "DefaultAzureCredential", "OAuth2 access token", "EXPIRED", "ExpiredToken", "TOO_SKEWED", "TooSkewed", "TokenRefreshRequired"};
constexpr std::array<std::string_view, 10> kUnknownKey = {"AuthenticationFailed", "failed to authenticate the request", "Base64 encoded string", "UNAUTHENTICATED", "INVALID_ACCESS_KEY_ID", "InvalidAccessKeyId", "SIGNATURE", "SignatureDoesNotMatch", "INVALID_CLIENT_TOKEN_ID", "MISSING_AUTHENTICATION_TOKEN"};
constexpr std::array<std::string_view, 6> kDenied = {"AuthorizationFailure", "AuthorizationPermissionMismatch", "PERMISSION_DENIED", "ACCESS_DENIED", "AccessDenied", "Forbidden"};

/// An error of ours on its way through Arrow.
class ErrorDetail final : public arrow::StatusDetail {
 public:
  static constexpr const char* kTypeId = "sluice::Error";

  explicit ErrorDetail(Error of) : error(std::move(of)) {}
  const char* type_id() const override { return kTypeId; }
  std::string ToString() const override { return error.message; }

  const Error error;
};

}  // namespace

arrow::Status ToArrow(Error error) {
  std::string message = error.message;
  return arrow::Status::IOError(std::move(message)).WithDetail(std::make_shared<ErrorDetail>(std::move(error)));
}

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
  if (status.detail() != nullptr && status.detail()->type_id() == std::string_view(ErrorDetail::kTypeId)) return static_cast<const ErrorDetail&>(*status.detail()).error;
  if (const int number = arrow::internal::ErrnoFromStatus(status); number != 0) return FromErrno(number, "using", object);
  Error error = ErrorFromWords(status.message(), object);
  error.evidence = "arrow: " + status.ToString();
  const bool is_known = error.kind != ErrorKind::kUnavailable || error.code != slu::kStorageFailed;
  if (!is_known && (status.IsInvalid() || status.IsNotImplemented())) error.kind = ErrorKind::kNeedsOperator, error.code = slu::kStorageLocation;
  return error;
}

Error ErrorFromWords(std::string_view text, std::string_view object) {
  const auto says = [&](const auto& words) { return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string_view::npos; }); };
  Error error{ErrorKind::kUnavailable, fmt::format("using {}: {}", object, text), slu::kStorageFailed};
  if (says(kNoBucket)) error.kind = ErrorKind::kNeedsOperator, error.code = slu::kStorageLocation;
  else if (says(kExpired)) error.code = slu::kStorageCredentials;
  else if (says(kUnknownKey)) error.kind = ErrorKind::kNeedsOperator, error.code = slu::kStorageCredentials;
  else if (says(kDenied)) error.kind = ErrorKind::kNeedsOperator, error.code = slu::kStoragePermission;
  else if (says(kNotThere)) error.kind = ErrorKind::kCorrupt, error.code = slu::kStorageNotFound;
  return error;
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
