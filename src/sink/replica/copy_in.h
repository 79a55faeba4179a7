#pragma once
// Writes rows with COPY … FROM STDIN.
//
// Binary: "PGCOPY\n\377\r\n\0" | flags: int32 | extension length: int32
//         then per tuple: fields: int16, per field: length: int32 (-1: null), value
//         then -1: int16
// Text:   a line per tuple, fields between tabs, \N for null; backslash, tab and ends of lines behind a backslash

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "postgres/connection.h"

namespace sluice {

enum class CopyFormat { kBinary, kText };

/// Between Begin and Finish the connection takes nothing else. Destroying an unfinished one leaves the
/// connection inside COPY: close it.
class CopyIn {
 public:
  explicit CopyIn(PgConnection& connection) : connection_(connection) {}

  /// `target`: a quoted table name with column list.
  Status Begin(const std::string& target, CopyFormat format = CopyFormat::kBinary);

  /// Whole tuples in the binary format above, no header or trailer.
  Status PutTuples(Bytes tuples);

  /// The buffer into which one tuple after the other may be appended in the format that was begun; call AfterTuple behind each.
  std::string& buffer() { return buffer_; }
  Status AfterTuple() { return buffer_.size() < kBlockBytes ? Status() : Flush(); }

  /// Ends the COPY. Returns how many rows the server took.
  /// On an error the server's words: see sql_state(). Error kinds as ErrorFromResult.
  Result<uint64_t> Finish();

  /// Of the error that Finish or Begin returned; empty if the connection was lost.
  const std::string& sql_state() const { return sql_state_; }

 private:
  static constexpr size_t kBlockBytes = 32 << 10;

  Status Flush();
  Status Put(const char* bytes, size_t size);

  PgConnection& connection_;
  CopyFormat format_ = CopyFormat::kBinary;
  std::string buffer_;
  std::string sql_state_;
};

/// Appends a value of the text format.
void AppendCopyText(std::string_view value, std::string& line);

}  // namespace sluice
