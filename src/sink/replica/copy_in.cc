#include "sink/replica/copy_in.h"

#include <algorithm>
#include <charconv>

#include "sink/replica/session.h"

namespace sluice {
namespace {

constexpr std::string_view kHeader("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
constexpr std::string_view kTrailer("\377\377", 2);

}  // namespace

void AppendCopyText(std::string_view value, std::string& line) {
  for (;;) {
    const size_t plain = std::min(value.find_first_of("\\\t\n\r"), value.size());
    line.append(value.substr(0, plain));
    if (plain == value.size()) return;
    const char c = value[plain];
    line.push_back('\\');
    line.push_back(c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c);
    value.remove_prefix(plain + 1);
  }
}

Status CopyIn::Begin(const std::string& target, CopyFormat format) {
  format_ = format;
  buffer_.clear();
  buffer_.reserve(kBlockBytes + (16 << 10));
  sql_state_.clear();
  const PgResult started = connection_.Run("COPY " + target + " FROM STDIN" + (format == CopyFormat::kBinary ? " (FORMAT binary)" : ""));
  if (PQresultStatus(started.get()) != PGRES_COPY_IN) {
    sql_state_ = SqlState(started.get());
    return PQstatus(connection_.get()) == CONNECTION_BAD ? connection_.LastError("connection lost")
                                                         : ErrorFromResult(started.get(), "COPY refused");
  }
  if (format == CopyFormat::kBinary) buffer_.append(kHeader);
  return Ok();
}

Status CopyIn::Put(const char* bytes, size_t size) {
  // PQputCopyData takes an int; pieces also keep libpq's own buffer small.
  while (size > 0) {
    const size_t piece = std::min(size, kBlockBytes);
    if (!connection_.PutCopyData(bytes, piece)) return connection_.LastError("connection lost during COPY");
    bytes += piece;
    size -= piece;
  }
  return Ok();
}

Status CopyIn::Flush() {
  const Status put = Put(buffer_.data(), buffer_.size());
  buffer_.clear();
  return put;
}

Status CopyIn::PutTuples(Bytes tuples) {
  if (!buffer_.empty()) RETURN_IF_ERROR(Flush());
  return Put(reinterpret_cast<const char*>(tuples.data()), tuples.size());
}

Result<uint64_t> CopyIn::Finish() {
  if (format_ == CopyFormat::kBinary) buffer_.append(kTrailer);
  RETURN_IF_ERROR(Flush());
  if (PQputCopyEnd(connection_.get(), nullptr) != 1) return connection_.LastError("connection lost during COPY");
  const PgResult done = connection_.NextResult();
  while (connection_.NextResult()) {
  }
  if (PQresultStatus(done.get()) != PGRES_COMMAND_OK) {
    sql_state_ = SqlState(done.get());
    return PQstatus(connection_.get()) == CONNECTION_BAD ? connection_.LastError("connection lost during COPY")
                                                         : ErrorFromResult(done.get(), "COPY refused");
  }
  const std::string_view count = PQcmdTuples(done.get());
  uint64_t rows = 0;
  std::from_chars(count.data(), count.data() + count.size(), rows);
  return rows;
}

}  // namespace sluice
