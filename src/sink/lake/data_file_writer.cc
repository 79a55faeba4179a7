#include "sink/lake/data_file_writer.h"

#include <arrow/array.h>
#include <arrow/io/interfaces.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "sink/lake/file_metrics.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

constexpr int64_t kSampleRows = 512;
// Row groups that readers can spread over their workers, and that hold what one encoding step needs in memory.
constexpr int64_t kRowGroupRowsMax = 1 << 20;

parquet::Compression::type CompressionOf(const std::string& name) {
  if (name == "snappy") return parquet::Compression::SNAPPY;
  if (name == "lz4") return parquet::Compression::LZ4;
  if (name == "none") return parquet::Compression::UNCOMPRESSED;
  return parquet::Compression::ZSTD;
}

std::string_view BytesAt(const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: return static_cast<const arrow::BinaryArray&>(array).GetView(row);
    default: {
      const auto& width = static_cast<const arrow::FixedWidthType&>(*array.type());
      const auto bytes = static_cast<size_t>(width.bit_width() / 8);
      const auto* const values = reinterpret_cast<const char*>(array.data()->buffers[1]->data());
      return {values + static_cast<size_t>(array.offset() + row) * bytes, bytes};
    }
  }
}

// A dictionary pays where values repeat. Judged by a sample spread over the first rows that are written.
bool DictionaryPays(const arrow::Array& array) {
  switch (array.type_id()) {
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::STRING:
    case arrow::Type::BINARY: break;
    case arrow::Type::LIST: return true;  // Repeats more often than not; the encoder gives up by itself.
    default: return false;
  }
  const int64_t samples = std::min(array.length(), kSampleRows);
  std::unordered_set<uint64_t> seen;
  int64_t values = 0;
  for (int64_t i = 0; i < samples; ++i) {
    const int64_t row = i * array.length() / samples;
    if (array.IsNull(row)) continue;
    ++values;
    const std::string_view bytes = BytesAt(array, row);
    seen.insert(XXH3_64bits(bytes.data(), bytes.size()));
  }
  return values >= 8 && static_cast<int64_t>(seen.size()) * 2 <= values;
}

int32_t FieldIdOf(const arrow::Field& field) {
  return std::stoi(field.metadata()->Get("PARQUET:field_id").ValueOr("0"));
}

template <class ArrayType>
int64_t CountNans(const arrow::Array& array) {
  const auto& floats = static_cast<const ArrayType&>(array);
  int64_t count = 0;
  for (int64_t i = 0; i < floats.length(); ++i) count += !floats.IsNull(i) && std::isnan(floats.Value(i)) ? 1 : 0;
  return count;
}

void AddNans(const arrow::Field& field, const arrow::Array& array, NanCounts& nans) {
  if (array.type_id() == arrow::Type::FLOAT) nans[FieldIdOf(field)] += CountNans<arrow::FloatArray>(array);
  if (array.type_id() == arrow::Type::DOUBLE) nans[FieldIdOf(field)] += CountNans<arrow::DoubleArray>(array);
  if (array.type_id() == arrow::Type::LIST) {
    const auto& list = static_cast<const arrow::ListArray&>(array);
    AddNans(*static_cast<const arrow::ListType&>(*array.type()).value_field(), *list.values(), nans);
  }
}

class ParquetFileWriter final : public DataFileWriter {
 public:
  ParquetFileWriter(std::string uri, std::shared_ptr<arrow::Schema> schema, ParquetOptions options,
                    std::shared_ptr<arrow::io::OutputStream> output)
      : uri_(std::move(uri)), schema_(std::move(schema)), options_(std::move(options)), output_(std::move(output)) {}

  Status Write(const Columns& columns) override try {
    if (columns.empty() || columns.front()->length() == 0) return Ok();
    if (writer_ == nullptr) RETURN_IF_ERROR(Begin(columns));
    for (size_t i = 0; i < columns.size(); ++i) AddNans(*schema_->field(static_cast<int>(i)), *columns[i], nans_);
    const auto table = arrow::Table::Make(schema_, columns);
    rows_ += table->num_rows();
    return FromArrow(writer_->WriteTable(*table, kRowGroupRowsMax), uri_);
  } catch (const parquet::ParquetException& error) {
    return Error{ErrorKind::kUnavailable, "writing " + uri_ + ": " + error.what()};
  }

  Result<iceberg::DataFile> Close() override try {
    if (writer_ == nullptr) {
      Columns empty;
      for (const auto& field : schema_->fields()) empty.push_back(arrow::MakeEmptyArray(field->type()).ValueOrDie());
      RETURN_IF_ERROR(Begin(empty));
    }
    RETURN_IF_ERROR(FromArrow(writer_->Close(), uri_));
    const auto size = output_->Tell();
    RETURN_IF_ERROR(FromArrow(size.status(), uri_));
    RETURN_IF_ERROR(FromArrow(output_->Close(), uri_));
    iceberg::DataFile file;
    file.path = uri_;
    file.file_size_bytes = *size;
    FillMetrics(*writer_->metadata(), *schema_, nans_, file);
    return file;
  } catch (const parquet::ParquetException& error) {
    return Error{ErrorKind::kUnavailable, "closing " + uri_ + ": " + error.what()};
  }

  int64_t size_bytes() const override { return output_->Tell().ValueOr(0); }
  int64_t rows() const override { return rows_; }

 private:
  Status Begin(const Columns& first) {
    parquet::WriterProperties::Builder properties;
    properties.version(parquet::ParquetVersion::PARQUET_2_6)
        ->data_page_version(parquet::ParquetDataPageVersion::V1)
        ->max_row_group_length(kRowGroupRowsMax)
        ->enable_store_decimal_as_integer()
        ->disable_dictionary()
        ->compression(CompressionOf(options_.compression))
        ->created_by("sluice");
    if (CompressionOf(options_.compression) == parquet::Compression::ZSTD) properties.compression_level(options_.compression_level);
    for (size_t i = 0; i < first.size(); ++i) {
      if (!DictionaryPays(*first[i])) continue;
      const std::string& name = schema_->field(static_cast<int>(i))->name();
      const bool list = first[i]->type_id() == arrow::Type::LIST;
      // As vectors: a dot in a column's name is no path.
      properties.enable_dictionary(std::make_shared<parquet::schema::ColumnPath>(
          list ? std::vector<std::string>{name, "list", "element"} : std::vector<std::string>{name}));
    }
    auto opened = parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), output_, properties.build());
    RETURN_IF_ERROR(FromArrow(opened.status(), uri_));
    writer_ = std::move(*opened);
    return Ok();
  }

  const std::string uri_;
  const std::shared_ptr<arrow::Schema> schema_;
  const ParquetOptions options_;
  const std::shared_ptr<arrow::io::OutputStream> output_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;  // Made with the first rows, which decide on dictionaries.
  NanCounts nans_;
  int64_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<DataFileWriter>> DataFileWriter::Open(ObjectStore& store, std::string uri,
                                                             std::shared_ptr<arrow::Schema> schema, ParquetOptions options) {
  ASSIGN_OR_RETURN(auto output, store.OpenOutput(uri));
  return std::unique_ptr<DataFileWriter>(
      new ParquetFileWriter(std::move(uri), std::move(schema), std::move(options), std::move(output)));
}

Result<iceberg::DataFile> WriteDataFile(ObjectStore& store, const std::string& uri, const std::shared_ptr<arrow::Schema>& schema,
                                        const Columns& columns, const ParquetOptions& options) {
  ASSIGN_OR_RETURN(auto writer, DataFileWriter::Open(store, uri, schema, options));
  RETURN_IF_ERROR(writer->Write(columns));
  return writer->Close();
}

}  // namespace sluice
