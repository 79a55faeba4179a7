#pragma once
// Objects under absolute URIs, over Arrow's FileSystem.
//
// A URI has one spelling, since Iceberg compares paths as strings: scheme, `://`, and the raw path
// without percent-encoding,
// `.`, `..`, doubled or trailing slashes, e.g. file:///lake/public/shot/data/00000.parquet. Readers
// take such URIs apart without decoding, so names that come from outside go through SafePathSegment
// first.
//
// Errors of all calls: kNeedsOperator (permission, or a URI outside the store), kUnavailable (no
// space, I/O error; the system's text is the evidence).

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace arrow::fs {
class FileSystem;
}
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

/// Thread-safe.
class ObjectStore {
 public:
  /// `location`: a URI that Arrow understands, or an absolute local path. Local folders are made.
  static Result<std::unique_ptr<ObjectStore>> Open(std::string_view location);
  ~ObjectStore();

  /// The location in the one spelling, without a slash at its end.
  const std::string& root_uri() const { return root_uri_; }

  /// Writes an object durably: after a power cut it is there, whole. Folders are made on the way. A
  /// partial object may be seen under the name before, and after a crash, so a name is only given
  /// away after this returns.
  Status Put(const std::string& uri, std::string_view bytes);

  /// As Put for each; the flushes share their cost. After an error some of them may exist.
  Status PutAll(std::span<const ObjectBytes> objects);

  /// Error: kCorrupt if there is none; see IsNotFound.
  Result<std::string> Get(const std::string& uri);

  /// Bytes from `offset`; fewer than `length` only at the object's end.
  Result<std::string> GetRange(const std::string& uri, int64_t offset, int64_t length);

  Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& uri);

  /// A stream whose Close() makes the object durable. Destroyed without Close, it removes what was
  /// written.
  Result<std::shared_ptr<arrow::io::OutputStream>> OpenOutput(const std::string& uri);

  /// Every object below the folder `uri`, in no order; nothing if there is no such folder.
  Result<std::vector<ObjectInfo>> List(const std::string& uri);

  /// Removing what isn't there succeeds.
  Status Remove(const std::string& uri);

  Result<bool> Exists(const std::string& uri);

 private:
  ObjectStore(std::shared_ptr<arrow::fs::FileSystem> file_system, std::string root_uri,
              std::string uri_prefix, bool local);
  Result<std::string> PathOf(const std::string& uri) const;

  const std::shared_ptr<arrow::fs::FileSystem> file_system_;
  const std::string root_uri_;
  const std::string uri_prefix_;  ///< What stands before a path of file_system_, e.g. "file://".
  const bool local_;
};

/// Whether the error says that an object doesn't exist.
bool IsNotFound(const Error& error);

/// A name as one path segment: letters, digits and `_-.` stay (not a dot in front), other bytes
/// become `~hh`. Two names never give the same segment.
std::string SafePathSegment(std::string_view name);

}  // namespace sluice
