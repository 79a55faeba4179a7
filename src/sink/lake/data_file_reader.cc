#include "sink/lake/data_file_reader.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/compute/cast.h>
#include <arrow/extension_type.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <map>

#include "storage/arrow_error.h"

namespace sluice {
namespace {

int FieldIdOf(const arrow::Field& field) { return std::stoi(field.metadata()->Get("PARQUET:field_id").ValueOr("0")); }

std::shared_ptr<arrow::DataType> StoredAs(const std::shared_ptr<arrow::DataType>& type) {
  return type->id() == arrow::Type::EXTENSION ? static_cast<const arrow::ExtensionType&>(*type).storage_type() : type;
}

// Equal but for names of list elements and extension types.
bool SameStorage(const std::shared_ptr<arrow::DataType>& left, const std::shared_ptr<arrow::DataType>& right) {
  const auto a = StoredAs(left);
  const auto b = StoredAs(right);
  if (a->id() == arrow::Type::LIST && b->id() == arrow::Type::LIST) return SameStorage(a->field(0)->type(), b->field(0)->type());
  return a->Equals(*b);
}

// What Iceberg lets become of a column's type: files of before keep the narrower one.
bool IsPromoted(const arrow::DataType& from, const arrow::DataType& to) {
  if (from.id() == arrow::Type::INT32) return to.id() == arrow::Type::INT64;
  if (from.id() == arrow::Type::FLOAT) return to.id() == arrow::Type::DOUBLE;
  if (from.id() != arrow::Type::DECIMAL128 || to.id() != arrow::Type::DECIMAL128) return false;
  const auto& narrow = static_cast<const arrow::Decimal128Type&>(from);
  const auto& wide = static_cast<const arrow::Decimal128Type&>(to);
  return narrow.scale() == wide.scale() && narrow.precision() < wide.precision();
}

class ParquetReader final : public DataFileReader {
 public:
  ParquetReader(std::string uri, std::unique_ptr<parquet::arrow::FileReader> reader)
      : uri_(std::move(uri)), reader_(std::move(reader)) {
    const auto& schema = *reader_->parquet_reader()->metadata()->schema();
    for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
      leaves_[schema.GetColumnRoot(leaf)->field_id()] = leaf;
    }
  }

  int row_groups() const override { return reader_->num_row_groups(); }
  int64_t rows_in(int row_group) const override {
    return reader_->parquet_reader()->metadata()->RowGroup(row_group)->num_rows();
  }

  Result<Columns> Read(int row_group, std::span<const std::shared_ptr<arrow::Field>> fields) override try {
    std::vector<int> leaves;
    for (const auto& field : fields) {
      if (const auto leaf = leaves_.find(FieldIdOf(*field)); leaf != leaves_.end()) leaves.push_back(leaf->second);
    }
    // The table's columns stand in the order of the file.
    std::shared_ptr<arrow::Table> table;
    if (!leaves.empty()) {
      auto read = reader_->ReadRowGroup(row_group, leaves);
      RETURN_IF_ERROR(FromArrow(read.status(), uri_));
      table = std::move(*read);
    }
    Columns columns;
    for (const auto& field : fields) {
      ASSIGN_OR_RETURN(auto column, ColumnOf(*field, table.get(), rows_in(row_group)));
      columns.push_back(std::move(column));
    }
    return columns;
  } catch (const parquet::ParquetException& error) {
    return Error{ErrorKind::kCorrupt, fmt::format("reading {}: {}", uri_, error.what())};
  }

 private:
  Result<std::shared_ptr<arrow::Array>> ColumnOf(const arrow::Field& field, const arrow::Table* table, int64_t rows) {
    const int id = FieldIdOf(field);
    if (!leaves_.contains(id)) return Take(arrow::MakeArrayOfNull(StoredAs(field.type()), rows));
    for (int i = 0; i < table->num_columns(); ++i) {
      if (FieldIdOf(*table->field(i)) != id) continue;
      const auto& chunks = table->column(i)->chunks();
      ASSIGN_OR_RETURN(auto array, chunks.size() == 1 ? Result<std::shared_ptr<arrow::Array>>(chunks[0])
                                   : chunks.empty() ? Take(arrow::MakeEmptyArray(table->column(i)->type()))
                                                      : Take(arrow::Concatenate(chunks)));
      if (array->length() != rows) break;
      if (IsPromoted(*array->type(), *field.type())) return Take(arrow::compute::Cast(*array, field.type()));
      if (!SameStorage(array->type(), field.type())) break;
      if (array->type_id() == arrow::Type::EXTENSION) return static_cast<const arrow::ExtensionArray&>(*array).storage();
      return array;
    }
    return Error{ErrorKind::kCorrupt, fmt::format("{}: column with field id {} is not {}", uri_, id, field.type()->ToString())};
  }

  Result<std::shared_ptr<arrow::Array>> Take(arrow::Result<std::shared_ptr<arrow::Array>> array) const {
    RETURN_IF_ERROR(FromArrow(array.status(), uri_));
    return std::move(*array);
  }

  const std::string uri_;
  const std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::map<int, int> leaves_;  // By field id of the column.
};

}  // namespace

Result<std::unique_ptr<DataFileReader>> DataFileReader::Open(ObjectStore& store, const std::string& uri) try {
  ASSIGN_OR_RETURN(auto input, store.OpenInput(uri));
  parquet::arrow::FileReaderBuilder builder;
  RETURN_IF_ERROR(FromArrow(builder.Open(std::move(input)), uri));
  std::unique_ptr<parquet::arrow::FileReader> reader;
  RETURN_IF_ERROR(FromArrow(builder.Build(&reader), uri));
  return std::unique_ptr<DataFileReader>(new ParquetReader(uri, std::move(reader)));
} catch (const parquet::ParquetException& error) {
  return Error{ErrorKind::kCorrupt, fmt::format("opening {}: {}", uri, error.what())};
}

Status ReadDataFile(ObjectStore& store, const std::string& uri, std::span<const std::shared_ptr<arrow::Field>> fields,
                    const VisitRows& visit) {
  ASSIGN_OR_RETURN(auto reader, DataFileReader::Open(store, uri));
  int64_t first_row = 0;
  for (int group = 0; group < reader->row_groups(); ++group) {
    ASSIGN_OR_RETURN(const Columns columns, reader->Read(group, fields));
    RETURN_IF_ERROR(visit(columns, first_row));
    first_row += reader->rows_in(group);
  }
  return Ok();
}

}  // namespace sluice
