#pragma once
// A DuckDB in memory that only reads: what would write, load or reach elsewhere is refused by the kind of its statement, and
// after the lock statements by DuckDB too.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "duckdb/library.h"
#include "duckdb/result_writer.h"

namespace sluice {

struct SessionOptions {
  uint64_t memory_bytes_max = 1ull << 30;
  uint64_t scratch_bytes_max = 16ull << 30;  ///< What does not fit into memory goes to a folder that is removed at the end.
};

/// What a statement did besides writing rows.
struct StatementDone {
  uint64_t rows_written = 0;
  uint64_t rows_changed = 0;  ///< Of a table in memory.
  bool has_rows = false;
};

class DuckDbSession {
 public:
  /// Error: kNeedsOperator (4161, or 4162 with DuckDB's own words).
  static Result<std::unique_ptr<DuckDbSession>> Open(const SessionOptions& options);
  ~DuckDbSession();
  DuckDbSession(const DuckDbSession&) = delete;
  DuckDbSession& operator=(const DuckDbSession&) = delete;

  /// Loads what is beside the library, and nothing else: "iceberg".
  Status LoadExtension(std::string_view name);

  /// For the statements that prepare the session: any kind, rows are dropped.
  Status Prepare(const std::string& statement);

  /// Runs one statement of the user's. Error: kNeedsOperator (4162: DuckDB refuses it; 4163: it does more than read), kCancelled.
  Result<StatementDone> Run(const std::string& statement, ResultWriter& writer);

  /// Ends what runs now, from any thread; until Resume nothing more is run. DuckDB forgets it where a query is just beginning: say it again.
  void Interrupt();
  void Resume() { interrupted_ = false; }

  /// No error says this text from now on. Short ones are taken for no secrets.
  void KeepSecret(const std::string& secret);

 private:
  class Statements;
  DuckDbSession(const DuckDbLibrary& duckdb, std::string scratch_folder) : duckdb_(duckdb), scratch_folder_(std::move(scratch_folder)) {}
  Status OpenDatabase(const SessionOptions& options);
  Result<StatementDone> RunAll(const std::string& text, bool any_kind, ResultWriter& writer);
  Status CheckText(const std::string& text, size_t statements);
  Status WriteRows(duckdb_result& result, ResultWriter& writer, StatementDone& done);
  Error Failed(const char* words) const;

  const DuckDbLibrary& duckdb_;
  const std::string scratch_folder_;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
  std::vector<std::string> secrets_;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace sluice
