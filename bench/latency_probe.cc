// latency_probe SOURCE_DSN REPLICA_DSN TRANSACTIONS_PER_SECOND SECONDS
//
// Inserts single rows into table `probe` of the source at a fixed rate, and watches the replica for them. A row's
// delay runs from the return of its commit on the source to the first query on the replica that sees it.
// Prints {"rows":…,"rows_per_second":…,"p50_ms":…,"p99_ms":…,"max_ms":…}. Exit 1: rows were lost on the way.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "bare_libpq.h"

namespace sluice::bench {
namespace {

constexpr std::chrono::microseconds kPollInterval{200};  // Tighter polling would steal the machine from who is measured.
constexpr std::chrono::seconds kStragglersMax{30};
constexpr std::chrono::seconds kWarmUp{1};

struct Committed {
  std::atomic<int64_t> at_ns{0};  // 0: not yet.
};

int64_t NowNs() { return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count(); }

int64_t MaxId(PGconn* connection) {
  const Rows rows(PQexecPrepared(connection, "max", 0, nullptr, nullptr, nullptr, 0));
  if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK) Die("max", connection);
  return std::strtoll(PQgetvalue(rows.get(), 0, 0), nullptr, 10);
}

void Prepare(PGconn* connection, const char* name, const char* statement) {
  const Rows rows(PQprepare(connection, name, statement, 0, nullptr));
  if (PQresultStatus(rows.get()) != PGRES_COMMAND_OK) Die(statement, connection);
}

/// Commits `committed.size()` rows, numbered from `first_id`, one per transaction.
void Write(const std::string& dsn, int64_t first_id, double rate, std::vector<Committed>& committed) {
  const Connection connection = Connect(dsn);
  Prepare(connection.get(), "insert", "INSERT INTO probe (id, note) VALUES ($1::bigint, 'a row on its way')");
  const auto start = Clock::now();
  for (size_t i = 0; i < committed.size(); ++i) {
    std::this_thread::sleep_until(start + std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>(static_cast<double>(i) / rate)));
    const std::string id = std::to_string(first_id + static_cast<int64_t>(i));
    const char* const values[] = {id.c_str()};
    const Rows rows(PQexecPrepared(connection.get(), "insert", 1, values, nullptr, nullptr, 0));
    if (PQresultStatus(rows.get()) != PGRES_COMMAND_OK) Die("insert", connection.get());
    committed[i].at_ns = NowNs();
  }
}

/// Watches until the last row is there. Returns each row's delay in milliseconds.
std::vector<double> Watch(const std::string& dsn, int64_t first_id, const std::vector<Committed>& committed) {
  const Connection connection = Connect(dsn);
  Prepare(connection.get(), "max", "SELECT coalesce(max(id), 0) FROM probe");
  std::vector<double> delays;
  auto progress = Clock::now();
  while (delays.size() < committed.size()) {
    const int64_t seen = MaxId(connection.get());
    const int64_t now = NowNs();
    if (seen >= first_id + static_cast<int64_t>(delays.size())) progress = Clock::now();
    while (delays.size() < committed.size() && first_id + static_cast<int64_t>(delays.size()) <= seen) {
      // The replica may show a row before the source's answer has reached its writer: no delay.
      const int64_t at = committed[delays.size()].at_ns;
      delays.push_back(at == 0 ? 0.0 : std::max(0.0, static_cast<double>(now - at) / 1e6));
    }
    if (Clock::now() - progress > kStragglersMax) {
      std::fprintf(stderr, "row %ld never came\n", first_id + static_cast<int64_t>(delays.size()));
      std::exit(1);
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  return delays;
}

double Quantile(const std::vector<double>& sorted, double q) {
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  if (argc != 5) {
    std::fprintf(stderr, "usage: latency_probe SOURCE_DSN REPLICA_DSN TRANSACTIONS_PER_SECOND SECONDS\n");
    return 2;
  }
  const std::string source = argv[1], replica = argv[2];
  const double rate = std::atof(argv[3]), seconds = std::atof(argv[4]);
  const auto warm_up_rows = static_cast<size_t>(rate * static_cast<double>(kWarmUp.count()));

  const Connection connection = Connect(source);
  Prepare(connection.get(), "max", "SELECT coalesce(max(id), 0) FROM probe");
  const int64_t first_id = MaxId(connection.get()) + 1;
  std::vector<Committed> committed(warm_up_rows + static_cast<size_t>(rate * seconds));

  const auto start = Clock::now();
  double wrote_seconds = 0;
  std::vector<double> delays;
  {
    std::jthread writer([&] {
      Write(source, first_id, rate, committed);
      wrote_seconds = SecondsSince(start);
    });
    delays = Watch(replica, first_id, committed);
  }
  delays.erase(delays.begin(), delays.begin() + static_cast<ptrdiff_t>(warm_up_rows));
  std::sort(delays.begin(), delays.end());
  std::printf("{\"rows\": %zu, \"rows_per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
              delays.size(), static_cast<double>(committed.size()) / wrote_seconds, Quantile(delays, 0.5),
              Quantile(delays, 0.99), delays.back());
}
