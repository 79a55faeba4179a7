// bare_drain DSN SLOT PUBLICATION LSN
//
// Reads a slot up to the first transaction that ends after LSN, and throws everything away: nobody who must also do
// something with the rows can be faster. Confirms nothing, so the slot can be drained again. Prints {"rows":…,"bytes":…,"seconds":…}.

#include <endian.h>

#include <cstring>

#include "bare_libpq.h"

namespace sluice::bench {
namespace {

// XLogData:   'w' | start: int64 | end: int64 | clock: int64 | a pgoutput message
// Keepalive:  'k' | end: int64 | clock: int64 | reply now: byte
constexpr size_t kHeaderBytes = 25;
constexpr size_t kReplyNowOffset = 17;
// Commit:         'C' | flags: byte | LSN: int64 | end LSN: int64 | clock: int64
// Stream Commit:  'c' | xid: int32 | flags: byte | LSN: int64 | end LSN: int64 | clock: int64
constexpr size_t kCommitEndOffset = kHeaderBytes + 10;
constexpr size_t kStreamCommitEndOffset = kHeaderBytes + 14;

uint64_t ReadBigEndian(const char* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return be64toh(value);
}

uint64_t ParseLsn(const char* text) {
  unsigned high = 0, low = 0;
  if (std::sscanf(text, "%X/%X", &high, &low) != 2) {
    std::fprintf(stderr, "not an LSN: %s\n", text);
    std::exit(2);
  }
  return (uint64_t{high} << 32) | low;
}

/// Says that we are alive, and that nothing is written, flushed or applied.
void SendStatus(PGconn* connection) {
  char status[34] = {'r'};
  if (PQputCopyData(connection, status, sizeof status) != 1 || PQflush(connection) != 0) Die("status", connection);
}

struct Drained {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

Drained DrainPast(PGconn* connection, uint64_t lsn) {
  Drained drained;
  while (true) {
    char* message = nullptr;
    const int length = PQgetCopyData(connection, &message, 0);
    if (length < 0) Die("the stream ended", connection);
    const auto size = static_cast<size_t>(length);
    drained.bytes += size;
    uint64_t committed = 0;
    if (message[0] == 'w' && size > kHeaderBytes) {
      const char type = message[kHeaderBytes];
      if (type == 'I' || type == 'U' || type == 'D') ++drained.rows;
      if (type == 'C') committed = ReadBigEndian(message + kCommitEndOffset);
      if (type == 'c') committed = ReadBigEndian(message + kStreamCommitEndOffset);
    } else if (message[0] == 'k' && size > kReplyNowOffset && message[kReplyNowOffset] != 0) {
      SendStatus(connection);
    }
    PQfreemem(message);
    if (committed > lsn) return drained;
  }
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  if (argc != 5) {
    std::fprintf(stderr, "usage: bare_drain DSN SLOT PUBLICATION LSN\n");
    return 2;
  }
  const auto start = Clock::now();
  const Connection connection = Connect(std::string(argv[1]) + " replication=database");
  // Version 2 of the protocol is the highest of PostgreSQL 15.
  Run(connection.get(),
      "START_REPLICATION SLOT \"" + std::string(argv[2]) + "\" LOGICAL 0/0 (proto_version '2', binary 'true', streaming 'on', " +
          "publication_names '\"" + argv[3] + "\"')",
      PGRES_COPY_BOTH);
  const Drained drained = DrainPast(connection.get(), ParseLsn(argv[4]));
  std::printf("{\"rows\": %lu, \"bytes\": %lu, \"seconds\": %.4f}\n", drained.rows, drained.bytes, SecondsSince(start));
}
