#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "sink/lake/column_buffer.h"
#include "storage/object_store.h"

namespace arrow {
class Field;
}

namespace sluice {

/// Reads some columns of a Parquet file by field id, row group by row group. Not thread-safe.
class DataFileReader {
 public:
  /// `size_bytes` as the manifest says. Error: kCorrupt, and as ObjectStore.
  static Result<std::unique_ptr<DataFileReader>> Open(ObjectStore& store, const std::string& uri);
  virtual ~DataFileReader() = default;

  virtual int row_groups() const = 0;
  virtual int64_t rows_in(int row_group) const = 0;

  /// One array per field, all of one length. A field that the file does not have is all null.
  /// Error: kCorrupt, also where a column has another type than its field.
  virtual Result<Columns> Read(int row_group, std::span<const std::shared_ptr<arrow::Field>> fields) = 0;
};

/// Calls visit(columns, row of the file with which they begin) for each row group.
using VisitRows = std::function<Status(const Columns& columns, int64_t first_row)>;
Status ReadDataFile(ObjectStore& store, const std::string& uri, std::span<const std::shared_ptr<arrow::Field>> fields,
                    const VisitRows& visit);

}  // namespace sluice
