#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace sluice {

/// Lines of bounded length over a socket. One thread uses it.
class LineChannel {
 public:
  /// `wake`: a descriptor that becomes readable when waiting shall end; -1: none.
  LineChannel(FileDescriptor socket, size_t line_bytes_max, int wake = -1);

  /// The next line without its newline. Error: kUnavailable (the other side closed, or nothing in time), kCorrupt
  /// (8203: the line is too long), kCancelled (woken).
  Result<std::string> ReadLine(std::optional<std::chrono::milliseconds> wait_max);

  /// Error: kUnavailable (closed, or not taken in 10 s), kCancelled (woken).
  Status Write(std::string_view bytes);

 private:
  Status WaitFor(short events, std::optional<std::chrono::milliseconds> wait_max) const;

  const FileDescriptor socket_;
  const size_t line_bytes_max_;
  const int wake_;
  std::string read_;
};

}  // namespace sluice
