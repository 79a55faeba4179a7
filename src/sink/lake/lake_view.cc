#include "sink/lake/lake_view.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "iceberg/snapshot_producer.h"
#include "observability/error_catalog.h"
#include "sink/lake/cell_reader.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/row_decoder.h"
#include "sink/lake/row_digest.h"
#include "sink/lake/table_files.h"

namespace sluice {
namespace {

class SourceDigest final : public DigestReceiver {
 public:
  explicit SourceDigest(TableSchemaPtr schema) : schema_(std::move(schema)), decoder_(*schema_) {}

  Status Rows(Bytes rows, size_t count) override {
    ByteReader reader(rows);
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(decoder_.DecodeCopyRow(reader));
      digest_.Add(decoder_.cells());
    }
    return Ok();
  }

  TableDigest digest() const override { return digest_.digest(); }

 private:
  const TableSchemaPtr schema_;
  RowDecoder decoder_;
  RowDigest digest_;
};

Status DigestFile(ObjectStore& store, const TableFile& file, const LakeSchema& schema, RowDigest& digest) {
  const auto& all = schema.arrow->fields();
  const std::vector<std::shared_ptr<arrow::Field>> fields(all.begin(), all.begin() + static_cast<ptrdiff_t>(schema.source_columns()));
  std::vector<CellReader> readers(fields.size());
  std::vector<Cell> cells(fields.size());
  return ReadDataFile(store, file.path, fields, [&](const Columns& columns, int64_t first) -> Status {
    for (int64_t row = 0; row < (columns.empty() ? 0 : columns[0]->length()); ++row) {
      if (file.committed_deletes.contains(static_cast<uint32_t>(first + row))) continue;
      for (size_t i = 0; i < columns.size(); ++i) readers[i].Read(*columns[i], row, cells[i]);
      digest.Add(cells);
    }
    return Ok();
  });
}

}  // namespace

Result<TableDigest> LakeView::Digest(const TableDefinition& table) {
  const auto found = tables_.find(table.schema->name);
  if (found == tables_.end())
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} is not in the lake", ToString(table.schema->name))};
  const iceberg::TableMetadata& metadata = *found->second.metadata;
  const auto columns = metadata.properties.find(kColumnsProperty);
  ASSIGN_OR_RETURN(const FieldIds ids, ParseFieldIds(columns == metadata.properties.end() ? "" : columns->second));
  ASSIGN_OR_RETURN(const LakeSchemaPtr schema, EvolveLakeSchema(metadata.schema(), metadata.last_column_id, ids, table.schema));
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(metadata, cache_));
  std::vector<TableFile> files;
  RETURN_IF_ERROR(LoadTableFiles(store_, cache_, *manifests, files));
  RowDigest digest;
  for (const TableFile& file : files) RETURN_IF_ERROR(DigestFile(store_, file, *schema, digest));
  return digest.digest();
}

Result<std::unique_ptr<DigestReceiver>> LakeView::Expect(const TableDefinition& table) {
  return std::unique_ptr<DigestReceiver>(new SourceDigest(table.schema));
}

}  // namespace sluice
