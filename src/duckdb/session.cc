#include "duckdb/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "duckdb/lake_statements.h"
#include "duckdb/statements.h"
#include "duckdb/value_text.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr size_t kSecretBytesMin = 4;

// DuckDB tells the kind of a statement only once it has been bound, and to bind an EXPORT makes its folder.
bool MayBegin(const std::string& word) {
  constexpr std::array<std::string_view, 26> kWords = {"select", "from",   "with",   "values", "table", "(",     "describe", "desc",   "show",     "summarize", "pivot", "unpivot", "explain",
                                                       "create", "insert", "update", "delete", "drop",  "alter", "begin",    "commit", "rollback", "set",       "reset", "use",     "pragma"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

// What reads, and what only changes tables in memory. SET reaches no setting once the session is locked.
bool MayRun(duckdb_statement_type kind) {
  switch (kind) {
    case DUCKDB_STATEMENT_TYPE_SELECT:
    case DUCKDB_STATEMENT_TYPE_EXPLAIN:  // CheckText has seen of what.
    case DUCKDB_STATEMENT_TYPE_INSERT:
    case DUCKDB_STATEMENT_TYPE_UPDATE:
    case DUCKDB_STATEMENT_TYPE_DELETE:
    case DUCKDB_STATEMENT_TYPE_CREATE:
    case DUCKDB_STATEMENT_TYPE_CREATE_FUNC:
    case DUCKDB_STATEMENT_TYPE_DROP:
    case DUCKDB_STATEMENT_TYPE_ALTER:
    case DUCKDB_STATEMENT_TYPE_TRANSACTION:
    case DUCKDB_STATEMENT_TYPE_VARIABLE_SET:
    case DUCKDB_STATEMENT_TYPE_SET: return true;
    default: return false;  // Kinds of a later DuckDB too.
  }
}

// They send a server what it shall do, whatever it is, connect to others, run a text that is put together, write a log, or trust an address in memory.
bool MayBeCalled(const std::string& name) {
  constexpr std::array<std::string_view, 8> kNames = {"query", "query_table", "json_execute_serialized_sql", "enable_logging", "enable_profiling", "arrow_scan", "arrow_scan_dumb", "iceberg_to_ducklake"};
  return !name.starts_with("postgres_") && !name.starts_with("set_iceberg_") && !name.starts_with("remove_iceberg_") && std::find(kNames.begin(), kNames.end(), name) == kNames.end();
}

Error Refused() { return {ErrorKind::kNeedsOperator, "the statement would do more than read", slu::kSqlRefused}; }

struct DropRows final : ResultWriter {
  void Begin(std::vector<ResultColumn>) override {}
  void Row(const ResultRow&) override {}
  void End() override {}
};

}  // namespace

/// What one text holds, prepared one after the other: the second may need what the first made.
class DuckDbSession::Statements {
 public:
  explicit Statements(const DuckDbLibrary& duckdb) : duckdb_(duckdb) {}
  ~Statements() {
    duckdb_.destroy_extracted(&extracted_);
    duckdb_.destroy_prepare(&prepared_);
  }
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;

  /// nullptr: done; else DuckDB's words.
  const char* Extract(duckdb_connection connection, const std::string& text) {
    count_ = duckdb_.extract_statements(connection, text.c_str(), &extracted_);
    return count_ == 0 ? duckdb_.extract_statements_error(extracted_) : nullptr;
  }
  const char* Prepare(duckdb_connection connection, idx_t index) {
    duckdb_.destroy_prepare(&prepared_);
    return duckdb_.prepare_extracted_statement(connection, extracted_, index, &prepared_) == DuckDBSuccess ? nullptr : duckdb_.prepare_error(prepared_);
  }

  idx_t count() const { return count_; }
  duckdb_prepared_statement prepared() const { return prepared_; }

 private:
  const DuckDbLibrary& duckdb_;
  duckdb_extracted_statements extracted_ = nullptr;
  duckdb_prepared_statement prepared_ = nullptr;
  idx_t count_ = 0;
};

namespace {

/// The rows of one chunk.
class ChunkRow final : public ResultRow {
 public:
  ChunkRow(const DuckDbLibrary& duckdb, std::vector<std::unique_ptr<ValuePrinter>>& printers) : duckdb_(duckdb), printers_(printers), vectors_(printers.size()), validities_(printers.size()) {}

  void Take(duckdb_data_chunk chunk) {
    for (size_t i = 0; i < vectors_.size(); ++i) {
      vectors_[i] = duckdb_.data_chunk_get_vector(chunk, i);
      validities_[i] = duckdb_.vector_get_validity(vectors_[i]);
    }
  }
  void Move(idx_t row) { row_ = row; }

  bool IsNull(size_t column) const override { return validities_[column] != nullptr && !duckdb_.validity_row_is_valid(validities_[column], row_); }
  void Text(size_t column, std::string& out) const override { printers_[column]->Text(vectors_[column], row_, out); }
  void Json(size_t column, std::string& out) const override { printers_[column]->Json(vectors_[column], row_, out); }

 private:
  const DuckDbLibrary& duckdb_;
  std::vector<std::unique_ptr<ValuePrinter>>& printers_;
  std::vector<duckdb_vector> vectors_;
  std::vector<uint64_t*> validities_;
  idx_t row_ = 0;
};

}  // namespace

Result<std::unique_ptr<DuckDbSession>> DuckDbSession::Open(const SessionOptions& options) {
  ASSIGN_OR_RETURN(const DuckDbLibrary* const duckdb, LoadDuckDb());
  std::error_code error;
  std::string scratch = std::filesystem::temp_directory_path(error).string() + "/sluice-sql-XXXXXX";
  if (error || mkdtemp(scratch.data()) == nullptr)
    return Error{ErrorKind::kNeedsOperator, "there is no folder for what does not fit into memory", slu::kSqlFailed, "", "", {"name one that can be written: export TMPDIR=…"}};
  std::unique_ptr<DuckDbSession> session(new DuckDbSession(*duckdb, scratch));
  RETURN_IF_ERROR(session->OpenDatabase(options));
  return session;
}

Status DuckDbSession::OpenDatabase(const SessionOptions& options) {
  duckdb_config config = nullptr;
  duckdb_.create_config(&config);
  const std::string memory = fmt::format("{}MiB", std::max<uint64_t>(options.memory_bytes_max >> 20, 16)), scratch = fmt::format("{}MiB", options.scratch_bytes_max >> 20);
  bool known = true;
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"autoinstall_known_extensions", "false"}, {"autoload_known_extensions", "false"}, {"allow_community_extensions", "false"}, {"allow_persistent_secrets", "false"},
           {"memory_limit", memory.c_str()}, {"temp_directory", scratch_folder_.c_str()}, {"max_temp_directory_size", scratch.c_str()}})
    known = known && duckdb_.set_config(config, name, value) == DuckDBSuccess;
  char* words = nullptr;
  const bool opened = known && duckdb_.open_ext(nullptr, &database_, config, &words) == DuckDBSuccess && duckdb_.connect(database_, &connection_) == DuckDBSuccess;
  duckdb_.destroy_config(&config);
  if (opened) return Prepare("SET TimeZone = 'UTC'");
  Error error = Failed(words != nullptr ? words : "DuckDB does not open with its settings");
  duckdb_.free(words);
  return error;
}

DuckDbSession::~DuckDbSession() {
  if (connection_ != nullptr) duckdb_.disconnect(&connection_);
  if (database_ != nullptr) duckdb_.close(&database_);
  std::error_code error;
  std::filesystem::remove_all(scratch_folder_, error);
}

Status DuckDbSession::LoadExtension(std::string_view name) {
  const std::string path = duckdb_.ExtensionPath(name);
  if (!std::filesystem::exists(path))
    return Error{ErrorKind::kNeedsOperator, fmt::format("DuckDB's extension {} is missing", name), slu::kDuckDbMissing, fmt::format("looked for {}", path)};
  return Prepare("LOAD " + DuckDbText(path));
}

Status DuckDbSession::Prepare(const std::string& statement) {
  DropRows drop;
  const auto done = RunAll(statement, true, drop);
  return done.ok() ? Status() : done.error();
}

Result<StatementDone> DuckDbSession::Run(const std::string& statement, ResultWriter& writer) { return RunAll(statement, false, writer); }

void DuckDbSession::Interrupt() {
  interrupted_ = true;
  if (connection_ != nullptr) duckdb_.interrupt(connection_);
}

void DuckDbSession::KeepSecret(const std::string& secret) {
  if (secret.size() >= kSecretBytesMin) secrets_.push_back(secret);
}

Result<StatementDone> DuckDbSession::RunAll(const std::string& text, bool any_kind, ResultWriter& writer) {
  if (interrupted_) return Failed("interrupted");
  Statements statements(duckdb_);
  if (const char* const words = statements.Extract(connection_, text)) return Failed(words);
  if (!any_kind && statements.count() > 0) RETURN_IF_ERROR(CheckText(text, statements.count()));
  StatementDone done;
  for (idx_t i = 0; i < statements.count(); ++i) {
    if (const char* const words = statements.Prepare(connection_, i)) return Failed(words);
    if (!any_kind && !MayRun(duckdb_.prepared_statement_type(statements.prepared()))) return Refused();
    duckdb_result result{};
    Status ran;
    if (duckdb_.execute_prepared_streaming(statements.prepared(), &result) != DuckDBSuccess) ran = Failed(duckdb_.result_error(&result));
    else if (duckdb_.result_return_type(result) == DUCKDB_RESULT_TYPE_CHANGED_ROWS) done.rows_changed = duckdb_.rows_changed(&result);
    else if (duckdb_.result_return_type(result) == DUCKDB_RESULT_TYPE_QUERY_RESULT) ran = WriteRows(result, writer, done);
    duckdb_.destroy_result(&result);
    RETURN_IF_ERROR(ran);
  }
  return done;
}

Status DuckDbSession::CheckText(const std::string& text, size_t statements) {
  for (const std::string& name : CalledNames(text))
    if (!MayBeCalled(name)) return Error{ErrorKind::kNeedsOperator, fmt::format("the function {} can do more than read", name), slu::kSqlRefused};
  const std::string word = FirstWord(text);
  if (word != "explain") return MayBegin(word) ? Status() : Refused();
  // EXPLAIN ANALYZE runs what it explains.
  const std::string explained(statements == 1 ? ExplainedStatement(text) : "");
  Statements inner(duckdb_);
  if (!MayBegin(FirstWord(explained)) || inner.Extract(connection_, explained) != nullptr || inner.count() != 1) return Refused();
  if (const char* const words = inner.Prepare(connection_, 0)) return Failed(words);
  return duckdb_.prepared_statement_type(inner.prepared()) == DUCKDB_STATEMENT_TYPE_SELECT ? Status() : Refused();
}

Status DuckDbSession::WriteRows(duckdb_result& result, ResultWriter& writer, StatementDone& done) {
  std::vector<std::unique_ptr<ValuePrinter>> printers;
  std::vector<ResultColumn> columns;
  for (idx_t i = 0; i < duckdb_.column_count(&result); ++i) {
    ASSIGN_OR_RETURN(auto printer, MakeValuePrinter(duckdb_, duckdb_.column_logical_type(&result, i)));
    columns.push_back({duckdb_.column_name(&result, i), printer->is_number()});
    printers.push_back(std::move(printer));
  }
  done.has_rows = true;
  writer.Begin(std::move(columns));
  ChunkRow row(duckdb_, printers);
  while (duckdb_data_chunk chunk = duckdb_.fetch_chunk(result)) {
    row.Take(chunk);
    const idx_t rows = duckdb_.data_chunk_get_size(chunk);
    for (idx_t i = 0; i < rows && !interrupted_; ++i) {
      row.Move(i);
      writer.Row(row);
    }
    done.rows_written += rows;
    duckdb_.destroy_data_chunk(&chunk);
    if (interrupted_) break;
  }
  if (const char* const words = duckdb_.result_error(&result); words != nullptr && *words != '\0') return Failed(words);
  if (interrupted_) return Failed("interrupted");
  writer.End();
  return Ok();
}

Error DuckDbSession::Failed(const char* words) const {
  if (interrupted_) return {ErrorKind::kCancelled, "the query was cancelled"};
  std::string text = words == nullptr ? "DuckDB does not say why" : words;
  for (const std::string& secret : secrets_)
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) text.replace(at, secret.size(), "***");
  const size_t line = text.find('\n');
  // The rest shows where, with a caret.
  const size_t rest = line == std::string::npos ? line : text.find_first_not_of('\n', line);
  Error error{ErrorKind::kNeedsOperator, text.substr(0, line), slu::kSqlFailed, rest == std::string::npos ? "" : text.substr(rest)};
  if (text.starts_with("IO Error") || text.starts_with("HTTP Error"))
    error.fix = {"where a file is missing that was there before, the session is older than what the lake keeps (snapshots.keep): start it again, or type .refresh"};
  return error;
}

}  // namespace sluice
