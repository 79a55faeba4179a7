#include "sink/lake/lake_view.h"

#include <fmt/format.h>

#include "change/row_text.h"
#include "change/server_hash.h"
#include "iceberg/snapshot_producer.h"
#include "observability/error_catalog.h"
#include "sink/lake/cell_text.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/row_decoder.h"
#include "sink/lake/row_digest.h"
#include "sink/lake/row_form.h"
#include "sink/lake/table_files.h"

namespace sluice {
namespace {

class SourceDigest final : public DigestReceiver {
 public:
  explicit SourceDigest(LakeSchemaPtr schema) : schema_(std::move(schema)), decoder_(*schema_) {}

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
  const LakeSchemaPtr schema_;
  RowDecoder decoder_;
  RowDigest digest_;
};

}  // namespace

/// Prints rows as the source prints them in the same form. Keeps its memory from row to row.
class LakeView::RowPrinter {
 public:
  RowPrinter(const LakeSchema& schema, const RowForm& form) : schema_(schema), form_(form), texts_(form.columns.size()) {}

  void Take(std::span<const Cell> cells) {
    for (size_t i = 0; i < texts_.size(); ++i) {
      texts_[i].clear();
      AppendCellText(cells[i], schema_.iceberg.fields[i].type, form_.columns[i], texts_[i]);
    }
    cells_ = cells;
  }
  std::string_view Row() {
    row_.Clear();
    for (size_t i = 0; i < texts_.size(); ++i) row_.Add(Text(i));
    return row_.Finish();
  }
  std::string_view Identity() {
    if (form_.identity.empty()) return Row();
    identity_.Clear();
    for (const size_t i : form_.identity) identity_.Add(Text(i));
    return identity_.Finish();
  }
  std::optional<std::string_view> Text(size_t column) const {
    return cells_[column].is_null() ? std::nullopt : std::optional<std::string_view>(texts_[column]);
  }

 private:
  const LakeSchema& schema_;
  const RowForm& form_;
  std::vector<std::string> texts_;
  std::span<const Cell> cells_;
  RowText row_, identity_;
};

Result<LakeSchemaPtr> LakeView::SchemaOf(const TableDefinition& table) const {
  const auto found = tables_.find(table.schema->name);
  if (found == tables_.end())
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} is not in the lake", ToString(table.schema->name))};
  const iceberg::TableMetadata& metadata = *found->second.metadata;
  ASSIGN_OR_RETURN(const FieldIds ids, FieldIdsOf(metadata));
  return EvolveLakeSchema(metadata.schema(), metadata.last_column_id, ids, table.schema);
}

Status LakeView::Visit(const TableDefinition& table, const LakeSchema& schema, const std::stop_token& stop, const VisitCells& visit) {
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(*tables_.at(table.schema->name).metadata, cache_));
  std::vector<TableFile> files;
  RETURN_IF_ERROR(LoadTableFiles(store_, cache_, *manifests, files));
  for (const TableFile& file : files) RETURN_IF_ERROR(VisitLiveRows(store_, file, schema, stop, visit));
  return Ok();
}

Result<RowForm> LakeView::Form(const TableDefinition& table) {
  ASSIGN_OR_RETURN(const LakeSchemaPtr schema, SchemaOf(table));
  return LakeRowForm(*schema);
}

Status LakeView::Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop, BucketSums& sums) {
  ASSIGN_OR_RETURN(const LakeSchemaPtr schema, SchemaOf(table));
  RowPrinter printer(*schema, form);
  return Visit(table, *schema, stop, [&](std::span<const Cell> cells) {
    printer.Take(cells);
    const uint64_t hash = ServerHash(printer.Identity(), kBucketSeed);
    if (!buckets.Contains(hash)) return Ok();
    BucketSum& sum = sums[buckets.Of(hash)];
    const std::string_view row = printer.Row();
    ++sum.rows;
    for (size_t lane = 0; lane < std::size(kLaneSeeds); ++lane) sum.lanes[lane] += static_cast<int64_t>(ServerHash(row, kLaneSeeds[lane]));
    return Ok();
  });
}

Status LakeView::Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max, std::stop_token stop,
                       std::vector<FetchedRow>& rows) {
  ASSIGN_OR_RETURN(const LakeSchemaPtr schema, SchemaOf(table));
  RowPrinter printer(*schema, form);
  std::map<std::string, uint64_t, std::less<>> copies;  // Of rows without identity.
  const size_t rows_before = rows.size();
  const Status visited = Visit(table, *schema, stop, [&](std::span<const Cell> cells) {
    if (rows.size() - rows_before + copies.size() > rows_max) return Ok();
    printer.Take(cells);
    const std::string_view identity = printer.Identity();
    if (!buckets.Contains(ServerHash(identity, kBucketSeed))) return Ok();
    if (form.identity.empty()) {
      const auto known = copies.find(identity);
      if (known == copies.end()) copies.emplace(identity, 1); else ++known->second;
      return Ok();
    }
    FetchedRow& row = rows.emplace_back();
    for (size_t i = 0; i < form.columns.size(); ++i) {
      const auto text = printer.Text(i);
      row.columns.push_back(text ? std::optional<std::string>(*text) : std::nullopt);
    }
    return Ok();
  });
  if (!visited.ok()) return visited;
  for (const auto& [text, count] : copies) rows.push_back({{text}, count});
  return Ok();
}

Result<TableDigest> LakeView::Digest(const TableDefinition& table) {
  ASSIGN_OR_RETURN(const LakeSchemaPtr schema, SchemaOf(table));
  RowDigest digest;
  RETURN_IF_ERROR(Visit(table, *schema, {}, [&](std::span<const Cell> cells) { return digest.Add(cells), Ok(); }));
  return digest.digest();
}

Result<std::unique_ptr<DigestReceiver>> LakeView::Expect(const TableDefinition& table) {
  ASSIGN_OR_RETURN(LakeSchemaPtr schema, SchemaOf(table));
  return std::unique_ptr<DigestReceiver>(new SourceDigest(std::move(schema)));
}

}  // namespace sluice
