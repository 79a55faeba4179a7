#include "pg_test_server.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace sluice::testing {
namespace {
void Require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error("PgTestServer: " + what);
}
}  // namespace

PgTestServer::PgTestServer(const PgTestServerOptions& options) : bin_folder_(options.bin_folder) {
  if (bin_folder_.empty()) {
    const char* from_environment = std::getenv("SLUICE_TEST_PG_BIN");
    bin_folder_ = from_environment != nullptr ? from_environment : "/usr/lib/postgresql/15/bin";
  }
  char folder[] = "/tmp/sluice-pg-XXXXXX";  // Short: a socket's path has at most 107 bytes.
  Require(mkdtemp(folder) != nullptr, "mkdtemp");
  folder_ = folder;
  std::filesystem::permissions(folder_, std::filesystem::perms(0777));
  RunAsPostgres(bin_folder_ + "/initdb -D " + folder_ + "/data -U postgres -A trust --no-sync -E UTF8 --locale=C.UTF-8 >" + folder_ + "/initdb.log 2>&1");
  std::ofstream settings(folder_ + "/settings.conf");
  settings << "listen_addresses=''\nunix_socket_directories='" << folder_ << "'\nwal_level=logical\nmax_wal_senders=40\n"
           << "max_replication_slots=40\nmax_prepared_transactions=20\nmax_connections=200\nfsync=off\nshared_buffers=64MB\n"
           << options.extra_settings << "\n";
  settings.close();
  RunAsPostgres("sh -c \"echo include \\'" + folder_ + "/settings.conf\\' >> " + folder_ + "/data/postgresql.conf\"");
  Start();
}

PgTestServer::~PgTestServer() {
  try {
    Stop(SIGQUIT);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

PgTestServer& PgTestServer::Shared() {
  static PgTestServer server;
  return server;
}

void PgTestServer::RunAsPostgres(const std::string& command) const {
  const std::string user = geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups " : "";
  Require(std::system(("cd /tmp && " + user + "env LC_ALL=C.UTF-8 " + command).c_str()) == 0, "failed: " + command);
}

void PgTestServer::Start() {
  // The server must not outlive a test program that aborts: the kernel then tells it to stop.
  std::vector<std::string> words = {"setpriv", "--pdeathsig=QUIT"};
  if (geteuid() == 0) words.insert(words.end(), {"--reuid=postgres", "--regid=postgres", "--init-groups"});
  words.insert(words.end(), {bin_folder_ + "/postgres", "-D", folder_ + "/data"});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string log = folder_ + "/server.log";
  server_ = fork();
  Require(server_ >= 0, "fork");
  if (server_ == 0) {
    const int file = open(log.c_str(), O_CREAT | O_APPEND | O_WRONLY, 0644);
    const int nothing = open("/dev/null", O_RDONLY);
    if (chdir("/tmp") != 0 || dup2(nothing, 0) < 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0) _exit(126);
    setpgid(0, 0);  // Ctrl-C is for the tests; they stop the server.
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (PQping(Dsn("postgres").c_str()) != PQPING_OK) {
    Require(waitpid(server_, nullptr, WNOHANG) == 0, "the server ended, see " + log);
    Require(std::chrono::steady_clock::now() < deadline, "no answer in 30 s, see " + log);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}
void PgTestServer::Stop(int signal) {
  if (server_ <= 0) return;
  Require(kill(server_, signal) == 0, "kill");
  waitpid(server_, nullptr, 0);
  server_ = 0;
}
void PgTestServer::Restart() {
  Stop(SIGINT);
  Start();
}
void PgTestServer::Crash() {
  Stop(SIGQUIT);
  Start();
}

std::string PgTestServer::Dsn(const std::string& database, const std::string& user) const {
  return "host=" + folder_ + " dbname=" + database + " user=" + user;
}

std::string PgTestServer::NewDatabase() {
  const std::string name = "test" + std::to_string(++databases_);
  PGconn* connection = PQconnectdb(Dsn("postgres").c_str());
  PGresult* result = PQexec(connection, ("CREATE DATABASE " + name).c_str());
  const bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
  const std::string message = PQerrorMessage(connection);
  PQclear(result);
  PQfinish(connection);
  Require(ok, "CREATE DATABASE: " + message);
  return Dsn(name);
}

}  // namespace sluice::testing
