#pragma once
// Writes a query's rows as they come, so that memory holds a screenful and not the result.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

enum class ResultFormat { kTable, kTabs, kCsv, kJson, kMarkdown, kPlan };  // kPlan: the last column's lines as they are, for EXPLAIN.

struct ResultColumn {
  std::string name;
  bool is_number = false;
};

/// One row, valid during the call.
class ResultRow {
 public:
  virtual ~ResultRow() = default;
  virtual bool IsNull(size_t column) const = 0;
  virtual void Text(size_t column, std::string& out) const = 0;
  virtual void Json(size_t column, std::string& out) const = 0;
};

/// Begin, each row, End; for each result in turn.
class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  virtual void Begin(std::vector<ResultColumn> columns) = 0;
  virtual void Row(const ResultRow& row) = 0;
  /// Not called for a result that breaks off: what came until then has been written.
  virtual void End() = 0;
};

/// `put` takes what is to be written. Tables are for people: nothing in them drives a terminal, and NULL is shown as ∅.
/// In tabs and CSV NULL is an empty field, and an empty text in CSV stands in quotes.
std::unique_ptr<ResultWriter> MakeResultWriter(ResultFormat format, std::function<void(std::string_view)> put);

}  // namespace sluice
