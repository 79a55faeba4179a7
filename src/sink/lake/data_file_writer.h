#pragma once
// Arrow columns → one Parquet file and what a manifest says of it.
//
// Pages V1 without DELTA encodings, field ids on every column, decimals as integers where they fit: what all
// readers of Iceberg read.

#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "iceberg/data_file.h"
#include "sink/lake/column_buffer.h"
#include "storage/object_store.h"

namespace arrow {
class Schema;
class Table;
}  // namespace arrow

namespace sluice {

struct ParquetOptions {
  std::string compression = "zstd";
  int compression_level = 1;
};

/// One Parquet file being written; each Write adds row groups. Nothing is left behind without Close.
class DataFileWriter {
 public:
  /// `columns`: the schema's fields must carry PARQUET:field_id. Error: as ObjectStore.
  static Result<std::unique_ptr<DataFileWriter>> Open(ObjectStore& store, std::string uri,
                                                      std::shared_ptr<arrow::Schema> schema, ParquetOptions options);
  virtual ~DataFileWriter() = default;

  virtual Status Write(const Columns& columns) = 0;
  /// Writes the file as ObjectStore::OpenOutput says. The result lacks spec, partition and content.
  virtual Result<iceberg::DataFile> Close() = 0;
  /// Written so far.
  virtual int64_t size_bytes() const = 0;
  virtual int64_t rows() const = 0;
};

/// A whole file at once.
Result<iceberg::DataFile> WriteDataFile(ObjectStore& store, const std::string& uri, const std::shared_ptr<arrow::Schema>& schema,
                                        const Columns& columns, const ParquetOptions& options);

}  // namespace sluice
