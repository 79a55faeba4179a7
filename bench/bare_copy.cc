// bare_copy DSN TABLE PARALLEL
//
// Reads a table in binary over PARALLEL connections, each a range of its blocks, and throws everything away.
// Prints {"rows":…,"bytes":…,"seconds":…}.

#include <thread>
#include <vector>

#include "bare_libpq.h"

namespace sluice::bench {
namespace {

struct Range {
  uint64_t first_block;
  uint64_t end_block;
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

std::vector<Range> CutIntoRanges(const std::string& dsn, const std::string& table, unsigned count) {
  const Connection connection = Connect(dsn);
  const Rows rows = Run(connection.get(),
                        "SELECT pg_relation_size('" + table + "') / current_setting('block_size')::int", PGRES_TUPLES_OK);
  const uint64_t blocks = std::strtoull(PQgetvalue(rows.get(), 0, 0), nullptr, 10);
  std::vector<Range> ranges;
  for (unsigned i = 0; i < count; ++i) ranges.push_back({blocks * i / count, blocks * (i + 1) / count});
  return ranges;
}

void CopyToNowhere(const std::string& dsn, const std::string& table, Range& range) {
  const Connection connection = Connect(dsn);
  Run(connection.get(),
      "COPY (SELECT * FROM " + table + " WHERE ctid >= '(" + std::to_string(range.first_block) + ",0)' AND ctid < '(" +
          std::to_string(range.end_block) + ",0)') TO STDOUT (FORMAT binary)",
      PGRES_COPY_OUT);
  while (true) {
    char* message = nullptr;
    const int length = PQgetCopyData(connection.get(), &message, 0);
    if (length == -1) break;
    if (length < 0) Die("COPY", connection.get());
    range.bytes += static_cast<uint64_t>(length);
    PQfreemem(message);
  }
  const Rows end(PQgetResult(connection.get()));
  if (PQresultStatus(end.get()) != PGRES_COMMAND_OK) Die("COPY", connection.get());
  range.rows = std::strtoull(PQcmdTuples(end.get()), nullptr, 10);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  if (argc != 4) {
    std::fprintf(stderr, "usage: bare_copy DSN TABLE PARALLEL\n");
    return 2;
  }
  const std::string dsn = argv[1], table = argv[2];
  const auto start = Clock::now();
  std::vector<Range> ranges = CutIntoRanges(dsn, table, static_cast<unsigned>(std::atoi(argv[3])));
  {
    std::vector<std::jthread> readers;
    for (Range& range : ranges) readers.emplace_back([&] { CopyToNowhere(dsn, table, range); });
  }
  uint64_t rows = 0, bytes = 0;
  for (const Range& range : ranges) {
    rows += range.rows;
    bytes += range.bytes;
  }
  std::printf("{\"rows\": %lu, \"bytes\": %lu, \"seconds\": %.4f}\n", rows, bytes, SecondsSince(start));
}
