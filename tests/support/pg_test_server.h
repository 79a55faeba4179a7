#pragma once
// A private PostgreSQL for one test program: initdb, wal_level=logical, Unix socket only, gone at the end.

#include <sys/types.h>

#include <string>

namespace sluice::testing {

struct PgTestServerOptions {
  std::string bin_folder;       ///< Empty: $SLUICE_TEST_PG_BIN, else Debian's PostgreSQL 15.
  std::string extra_settings;   ///< Lines for postgresql.conf.
};

class PgTestServer {
 public:
  explicit PgTestServer(const PgTestServerOptions& options = {});
  ~PgTestServer();
  PgTestServer(const PgTestServer&) = delete;
  PgTestServer& operator=(const PgTestServer&) = delete;

  /// A server shared by all tests of this program.
  static PgTestServer& Shared();

  /// Makes an empty database and returns its DSN.
  std::string NewDatabase();
  std::string Dsn(const std::string& database, const std::string& user = "postgres") const;

  void Restart();       ///< Fast shutdown, then start.
  void Crash();         ///< Immediate shutdown, then start: crash recovery.

 private:
  void Start();
  void Stop(int signal);  ///< SIGINT: fast, SIGQUIT: immediate.
  void RunAsPostgres(const std::string& command) const;

  std::string bin_folder_;
  std::string folder_;
  pid_t server_ = 0;
  int databases_ = 0;
};

}  // namespace sluice::testing
