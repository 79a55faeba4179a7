#include "audit/parquet_check.h"

#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>

#include <set>

#include "audit/bound.h"
#include "audit/rules.h"
#include "storage/arrow_error.h"

namespace sluice::audit {
namespace {

bool IsIntegerType(const parquet::LogicalType& logical) { return logical.is_none() || (logical.is_int() && static_cast<const parquet::IntLogicalType&>(logical).is_signed()); }

bool IsTimestamp(const parquet::LogicalType& logical, bool adjusted, bool nanos) {
  if (!logical.is_timestamp()) return false;
  const auto& timestamp = static_cast<const parquet::TimestampLogicalType&>(logical);
  const auto unit = nanos ? parquet::LogicalType::TimeUnit::NANOS : parquet::LogicalType::TimeUnit::MICROS;
  return timestamp.is_adjusted_to_utc() == adjusted && timestamp.time_unit() == unit;
}

bool IsDecimal(const parquet::LogicalType& logical, const std::string& type) {
  const auto wanted = ParametersOf(type, "decimal");
  return logical.is_decimal() && wanted && static_cast<const parquet::DecimalLogicalType&>(logical).scale() == wanted->second;
}

/// Whether a leaf may hold the values of a column of this type, or of one that was promoted to it.
bool Fits(const std::string& type, const parquet::schema::PrimitiveNode& leaf) {
  using parquet::Type;
  const auto physical = leaf.physical_type();
  const parquet::LogicalType& logical = *leaf.logical_type();
  if (type == "boolean") return physical == Type::BOOLEAN;
  if (type == "int") return physical == Type::INT32 && IsIntegerType(logical);
  if (type == "long") return (physical == Type::INT64 || physical == Type::INT32) && IsIntegerType(logical);
  if (type == "float") return physical == Type::FLOAT;
  if (type == "double") return physical == Type::DOUBLE || physical == Type::FLOAT;
  if (type == "date") return physical == Type::INT32 && logical.is_date();
  if (type == "time") return physical == Type::INT64 && logical.is_time();
  if (type == "timestamp") return IsTimestamp(logical, false, false);
  if (type == "timestamptz") return IsTimestamp(logical, true, false);
  if (type == "timestamp_ns") return IsTimestamp(logical, false, true);
  if (type == "timestamptz_ns") return IsTimestamp(logical, true, true);
  if (type == "string") return physical == Type::BYTE_ARRAY && (logical.is_string() || logical.is_enum());
  if (type == "binary") return physical == Type::BYTE_ARRAY;
  if (type == "uuid") return physical == Type::FIXED_LEN_BYTE_ARRAY && leaf.type_length() == 16;
  if (const auto fixed = ParametersOf(type, "fixed")) return physical == Type::FIXED_LEN_BYTE_ARRAY && leaf.type_length() == fixed->first;
  if (type.starts_with("decimal")) return IsDecimal(logical, type);
  return true;  // Types of format 3 that this check does not know by their leaves.
}

class FooterCheck {
 public:
  FooterCheck(const FileFacts& file, const TableFacts& facts, Findings& findings) : file_(file), facts_(facts), findings_(findings) {}

  void Run(const parquet::FileMetaData& metadata) {
    int64_t rows = 0;
    for (int group = 0; group < metadata.num_row_groups(); ++group) rows += metadata.RowGroup(group)->num_rows();
    if (metadata.num_rows() != file_.record_count) Add(kRowCount, fmt::format("it has {} rows, its manifest says {}", metadata.num_rows(), file_.record_count));
    if (rows != metadata.num_rows()) Add(kDamagedFile, fmt::format("its row groups have {} rows, its footer says {}", rows, metadata.num_rows()));
    const auto& root = *metadata.schema()->group_node();
    for (int i = 0; i < root.field_count(); ++i) CheckNode(*root.field(i), 0);
    if (file_.content == 0) CheckRequired();
    for (int leaf = 0; leaf < metadata.num_columns(); ++leaf) CheckLeaf(metadata, leaf);
  }

 private:
  void Add(const Rule& rule, std::string what) { findings_.Add(rule, file_.path, std::move(what)); }

  void CheckNode(const parquet::schema::Node& node, int level) {
    if (level > 64) return;
    if (node.field_id() < 0) Add(kFieldIds, fmt::format("column {} has no field id", node.path()->ToDotString()));
    else seen_.insert(node.field_id());
    if (!node.is_group()) return;
    const auto& group = static_cast<const parquet::schema::GroupNode&>(node);
    const bool collection = group.logical_type()->is_list() || group.logical_type()->is_map();
    for (int i = 0; i < group.field_count(); ++i) {
      const parquet::schema::Node& inner = *group.field(i);
      // What stands between a list and its element is nobody's column.
      if (!collection || !inner.is_group()) {
        CheckNode(inner, level + 1);
        continue;
      }
      const auto& between = static_cast<const parquet::schema::GroupNode&>(inner);
      for (int j = 0; j < between.field_count(); ++j) CheckNode(*between.field(j), level + 1);
    }
  }

  void CheckRequired() {
    const auto schema = facts_.schemas.find(facts_.current_schema_id);
    if (schema == facts_.schemas.end()) return;
    for (const auto& [id, column] : schema->second)
      if (column.required && !column.in_collection && column.path.find('.') == std::string::npos && !seen_.contains(id))
        Add(kFieldIds, fmt::format("column {} (id {}) must be there and is not", column.path, id));
  }

  void CheckLeaf(const parquet::FileMetaData& metadata, int leaf) {
    const auto& node = static_cast<const parquet::schema::PrimitiveNode&>(*metadata.schema()->Column(leaf)->schema_node());
    const ColumnFacts* const column = node.field_id() < 0 ? nullptr : facts_.FindColumn(node.field_id());
    if (column != nullptr && file_.content == 0) {
      if (!Fits(column->type, node))
        Add(kParquetType, fmt::format("column {} is a {}, but stored as {} {}", column->path, column->type, parquet::TypeToString(node.physical_type()), node.logical_type()->ToString()));
      else if (column->type == "uuid" && !node.logical_type()->is_UUID()) Add(kUuidAnnotation, fmt::format("column {} is a uuid without Parquet's annotation", column->path));
    }
    Sum sum;
    for (int group = 0; group < metadata.num_row_groups(); ++group) Take(*metadata.RowGroup(group)->ColumnChunk(leaf), node, column, sum);
    if (column != nullptr && !column->in_collection && file_.content == 0) CheckStatistics(node.field_id(), *column, sum);
  }

  struct Sum {
    int64_t values = 0, nulls = 0;
    bool nulls_known = true;
    std::optional<Bound> min, max;
  };

  void Take(const parquet::ColumnChunkMetaData& chunk, const parquet::schema::PrimitiveNode& node, const ColumnFacts* column, Sum& sum) {
    for (const parquet::Encoding::type encoding : chunk.encodings())
      if (encoding == parquet::Encoding::DELTA_BINARY_PACKED || encoding == parquet::Encoding::DELTA_BYTE_ARRAY || encoding == parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY)
        if (file_.content == 0 && noted_.insert(node.path()->ToDotString()).second) Add(kEncoding, fmt::format("column {} has the encoding {}", node.path()->ToDotString(), parquet::EncodingToString(encoding)));
    sum.values += chunk.num_values();
    const auto statistics = chunk.is_stats_set() ? chunk.statistics() : nullptr;
    if (statistics == nullptr || !statistics->HasNullCount()) sum.nulls_known = false;
    else sum.nulls += statistics->null_count();
    if (statistics == nullptr || !statistics->HasMinMax() || column == nullptr) return;
    const bool little_endian = node.physical_type() == parquet::Type::INT32 || node.physical_type() == parquet::Type::INT64;
    const auto min = DecodeStatistic(column->type, statistics->EncodeMin(), little_endian), max = DecodeStatistic(column->type, statistics->EncodeMax(), little_endian);
    if (min && (!sum.min || Compare(*min, *sum.min) < 0)) sum.min = min;
    if (max && (!sum.max || Compare(*max, *sum.max) > 0)) sum.max = max;
  }

  void CheckStatistics(int64_t id, const ColumnFacts& column, const Sum& sum) {
    const auto bound_of = [&](const std::map<int64_t, std::string>& bounds) {
      const auto found = bounds.find(id);
      return found == bounds.end() ? std::nullopt : DecodeBound(column.type, found->second);
    };
    const auto lower = bound_of(file_.lower_bounds), upper = bound_of(file_.upper_bounds);
    if (lower && sum.min && Compare(*lower, *sum.min) > 0) Add(kStatistics, fmt::format("the manifest's lower bound of column {} is above a value of the file", column.path));
    if (upper && sum.max && Compare(*upper, *sum.max) < 0) Add(kStatistics, fmt::format("the manifest's upper bound of column {} is below a value of the file", column.path));
    const auto values = file_.value_counts.find(id), nulls = file_.null_counts.find(id);
    if (values != file_.value_counts.end() && values->second != sum.values) Add(kStatistics, fmt::format("column {} has {} values, its manifest says {}", column.path, sum.values, values->second));
    if (nulls != file_.null_counts.end() && sum.nulls_known && nulls->second != sum.nulls) Add(kStatistics, fmt::format("column {} has {} nulls, its manifest says {}", column.path, sum.nulls, nulls->second));
  }

  const FileFacts& file_;
  const TableFacts& facts_;
  Findings& findings_;
  std::set<int64_t> seen_;
  std::set<std::string> noted_;
};

}  // namespace

void CheckParquet(const FileFacts& file, const TableFacts& facts, LakeFiles& files, Findings& findings) try {
  auto input = files.store().OpenInput(file.path);
  if (!input.ok()) return;  // Was found missing before.
  const auto reader = parquet::ParquetFileReader::Open(std::move(*input));
  FooterCheck(file, facts, findings).Run(*reader->metadata());
} catch (const std::exception& error) {
  findings.Add(kDamagedFile, file.path, fmt::format("it is no Parquet file that can be read: {}", error.what()));
}

void ReadWholeParquet(const FileFacts& file, LakeFiles& files, Findings& findings) try {
  const auto bad = [&](const arrow::Status& status) { findings.Add(kDamagedFile, file.path, fmt::format("its columns cannot be read: {}", status.message())); };
  auto input = files.store().OpenInput(file.path);
  if (!input.ok()) return;
  parquet::arrow::FileReaderBuilder builder;
  if (const auto opened = builder.Open(std::move(*input)); !opened.ok()) return;  // Was found damaged before.
  std::unique_ptr<parquet::arrow::FileReader> reader;
  if (const auto built = builder.Build(&reader); !built.ok()) return bad(built);
  int64_t rows = 0;
  auto batches = reader->GetRecordBatchReader();
  if (!batches.ok()) return bad(batches.status());
  for (std::shared_ptr<arrow::RecordBatch> batch;;) {
    if (const auto next = (*batches)->ReadNext(&batch); !next.ok()) return bad(next);
    if (batch == nullptr) break;
    if (const auto valid = batch->ValidateFull(); !valid.ok()) return bad(valid);
    rows += batch->num_rows();
  }
  if (rows != file.record_count) findings.Add(kRowCount, file.path, fmt::format("{} rows came when it was read, its manifest says {}", rows, file.record_count));
} catch (const std::exception& error) {
  findings.Add(kDamagedFile, file.path, fmt::format("its columns cannot be read: {}", error.what()));
}

}  // namespace sluice::audit
