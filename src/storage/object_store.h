#pragma once
// Objects under absolute URIs: a folder, or a bucket of S3, GCS or Azure through Arrow's FileSystem.
//
// A URI has one spelling, since Iceberg compares paths as strings: scheme, `://`, and the raw path without
// percent-encoding, `.`, `..`, doubled or trailing slashes, e.g. s3://lake/public/shot/data/00000.parquet. Readers take
// such URIs apart without decoding, so names that come from outside go through SafePathSegment first.
//
// Errors of all calls: kNeedsOperator (permission, credentials, no such bucket, a URI outside the store), kUnavailable
// (no space, throttled, no answer; the other side's text is the evidence). What a store refuses for the moment has been
// tried again by then.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/storage_config.h"

namespace arrow::io {
class OutputStream;
class RandomAccessFile;
}  // namespace arrow::io

namespace sluice {

/// An object to be written: all of it, at once.
struct ObjectBytes {
  std::string uri;
  std::string bytes;
};

struct ObjectInfo {
  std::string uri;
  int64_t size_bytes = 0;
  int64_t modified_ms = 0;  ///< Milliseconds since 1970.
};

/// A large object that somebody began to write in parts and did not end: its parts take space, and no listing of objects shows them.
struct UnfinishedUpload {
  std::string uri;
  std::string id;            ///< There may be several for one object.
  int64_t initiated_ms = 0;  ///< Milliseconds since 1970.
};

/// Thread-safe.
class ObjectStore {
 public:
  /// `location`: an absolute local path, whose folders are made, or file://, s3://, gs://, abfs:// with a bucket that exists.
  static Result<std::unique_ptr<ObjectStore>> Open(std::string_view location, const StorageConfig& config = {});
  virtual ~ObjectStore() = default;

  /// The location in the one spelling, without a slash at its end.
  const std::string& root_uri() const { return root_uri_; }
  /// What stands before a path, e.g. "s3://".
  const std::string& uri_prefix() const { return uri_prefix_; }

  /// Writes an object durably: after a power cut it is there, whole. Folders are made on the way. A partial object may be
  /// seen under the name before, and after a crash, so a name is only given away after this returns.
  Status Put(const std::string& uri, std::string_view bytes);

  /// As Put for each, at the cost of about one. After an error some of them may exist.
  virtual Status PutAll(std::span<const ObjectBytes> objects) = 0;

  /// As Put, but durable only once the next Put or PutAll has returned: one that waits for several at once does so then.
  virtual Status PutLater(const std::string& uri, std::string bytes) { return Put(uri, bytes); }

  /// Error: kCorrupt if there is none; see IsNotFound.
  Result<std::string> Get(const std::string& uri);

  /// Bytes from `offset`; fewer than `length` only at the object's end.
  Result<std::string> GetRange(const std::string& uri, int64_t offset, int64_t length);

  virtual Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& uri) = 0;

  /// A stream whose Close() makes the object durable, or has it written as PutLater does. Destroyed without Close, it leaves nothing.
  virtual Result<std::shared_ptr<arrow::io::OutputStream>> OpenOutput(const std::string& uri) = 0;

  /// Every object below the folder `uri`, in no order; nothing if there is no such folder.
  virtual Result<std::vector<ObjectInfo>> List(const std::string& uri) = 0;

  /// Removing what isn't there succeeds.
  virtual Status Remove(const std::string& uri) = 0;

  virtual Result<bool> Exists(const std::string& uri) = 0;

  /// Those below the folder `uri`, in no order, and not all if they are very many; none in a store that has no such thing, or that nobody
  /// has keys for. Error besides the others: kNeedsOperator where the store does not offer it.
  virtual Result<std::vector<UnfinishedUpload>> ListUploads(const std::string& uri);

  /// Its parts are removed. Aborting what isn't there succeeds.
  virtual Status AbortUpload(const UnfinishedUpload& upload);

  /// Writes, reads and removes an object, to see whether all three may be done.
  Status Probe();

 protected:
  ObjectStore(std::string root_uri, std::string uri_prefix) : root_uri_(std::move(root_uri)), uri_prefix_(std::move(uri_prefix)) {}

  virtual Status PutPath(const std::string& path, std::string_view bytes) = 0;

  Result<std::string> PathOf(const std::string& uri) const;
  std::string UriOf(std::string_view path) const { return uri_prefix_ + std::string(path); }

 private:
  const std::string root_uri_;
  const std::string uri_prefix_;
};

/// Whether the error says that an object doesn't exist.
bool IsNotFound(const Error& error);

/// A name as one path segment: letters, digits and `_-.` stay (not a dot in front), other bytes become `~hh`. Two names
/// never give the same segment.
std::string SafePathSegment(std::string_view name);

}  // namespace sluice
