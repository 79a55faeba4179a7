#include "sink/lake/unchanged_values.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "sink/lake/data_file_reader.h"
#include "sink/lake/row_selection.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

// The values of one column that were read from files: arrays in the order in which they were read.
struct Fetched {
  std::vector<std::shared_ptr<arrow::Array>> parts;
  std::map<RowLocation, int64_t> position;  // Over all parts.
  int64_t count = 0;
};

struct Wanted {
  std::vector<uint32_t> columns;                 // Ascending.
  std::map<uint32_t, std::vector<int64_t>> rows; // Of each column, ascending, once each.
};

size_t SizeOf(const arrow::Array& array) {
  size_t bytes = 0;
  for (const auto& buffer : array.data()->buffers) bytes += buffer ? static_cast<size_t>(buffer->size()) : 0;
  return bytes;
}

Status FetchFile(ObjectStore& store, const LakeSchema& schema, uint32_t file, const std::string& path, const Wanted& wanted,
                 std::map<uint32_t, Fetched>& fetched) {
  ASSIGN_OR_RETURN(auto reader, DataFileReader::Open(store, path));
  int64_t first = 0;
  for (int group = 0; group < reader->row_groups(); ++group) {
    const int64_t end = first + reader->rows_in(group);
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::pair<uint32_t, std::vector<int64_t>>> rows_of;
    for (const uint32_t column : wanted.columns) {
      const std::vector<int64_t>& rows = wanted.rows.at(column);
      const auto from = std::lower_bound(rows.begin(), rows.end(), first);
      const auto to = std::lower_bound(from, rows.end(), end);
      if (from == to) continue;
      fields.push_back(schema.arrow->field(static_cast<int>(column)));
      rows_of.emplace_back(column, std::vector<int64_t>(from, to));
    }
    if (!fields.empty()) {
      ASSIGN_OR_RETURN(const Columns columns, reader->Read(group, fields));
      for (size_t i = 0; i < rows_of.size(); ++i) {
        auto& [column, rows] = rows_of[i];
        Fetched& values = fetched[column];
        for (const int64_t row : rows) values.position[{file, static_cast<uint32_t>(row)}] = values.count++;
        for (int64_t& row : rows) row -= first;
        ASSIGN_OR_RETURN(auto part, TakeRows(columns[i], rows));
        values.parts.push_back(std::move(part));
      }
    }
    first = end;
  }
  return Ok();
}

}  // namespace

void UnchangedValues::Note(uint32_t column, uint32_t row, RowLocation old) {
  Rows& rows = by_column_[column];
  if (old.file == kOpenFile) {
    // The old version may not have been sent its value either.
    if (const auto chained = rows.find(old.row); chained != rows.end()) old = chained->second;
  }
  rows[row] = old;
  ++count_;
}

Status UnchangedValues::Fill(ObjectStore& store, const LakeSchema& schema,
                             const std::function<std::string(uint32_t file)>& path_of, Columns& columns) {
  if (by_column_.empty()) return Ok();
  std::map<uint32_t, Wanted> by_file;
  for (const auto& [column, rows] : by_column_) {
    for (const auto& [row, at] : rows) {
      if (at.file != kOpenFile) by_file[at.file].rows[column].push_back(at.row);
    }
  }
  std::map<uint32_t, Fetched> fetched;
  for (auto& [file, wanted] : by_file) {
    for (auto& [column, rows] : wanted.rows) {
      wanted.columns.push_back(column);
      std::sort(rows.begin(), rows.end());
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    }
    RETURN_IF_ERROR(FetchFile(store, schema, file, path_of(file), wanted, fetched));
  }
  size_t bytes = 0, values = 0;
  for (const auto& [column, rows] : by_column_) {
    std::shared_ptr<arrow::Array>& own = columns[column];
    std::vector<int64_t> sources(static_cast<size_t>(own->length()));
    std::iota(sources.begin(), sources.end(), 0);
    for (const auto& [row, at] : rows) {
      if (at.file == kOpenFile) {
        sources[row] = at.row;
        continue;
      }
      const auto position = fetched[column].position.find(at);
      if (position == fetched[column].position.end())
        return Error{ErrorKind::kCorrupt, fmt::format("{} has fewer rows than its index says", path_of(at.file))};
      sources[row] = own->length() + position->second;
    }
    arrow::ArrayVector all{own};
    for (const auto& part : fetched[column].parts) {
      bytes += SizeOf(*part);
      all.push_back(AsType(part, own->type()));  // Files don't say that a uuid is one.
    }
    values += rows.size();
    auto joined = arrow::Concatenate(all);
    RETURN_IF_ERROR(FromArrow(joined.status(), "values that were not sent"));
    ASSIGN_OR_RETURN(own, TakeRows(*joined, sources));
  }
  bytes_per_value_ = std::max<size_t>(bytes / values, 64);
  return Ok();
}

}  // namespace sluice
