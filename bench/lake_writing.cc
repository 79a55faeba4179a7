// lake_writing encode ROWS ROUNDS FOLDER
//   Rows of binary COPY, with the columns of shots, become a Parquet file: decoded, buffered and written, row group by row group. The limit:
//   Arrow writes the same arrays with the same settings. Prints {"seconds":[…],"decode_seconds":[…],"ready_seconds":[…],"limit_seconds":[…]}; ready: our writer, on arrays.
//
// lake_writing commit COMMITS FOLDER
//   Small commits into one table of a lake in FOLDER, each with an update. The limit: as many PUTs of these sizes that wait for each other.
//   Prints {"seconds":[…],"limit_seconds":[…]} of each.
//
// lake_writing compaction FILES ROWS ROUNDS FOLDER
//   FILES files of ROWS rows each, a tenth of them deleted, become one. The limit: Arrow reads them and writes all their rows into one.

#include <arrow/array.h>
#include <arrow/io/interfaces.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>

#include <chrono>
#include <random>

#include "base/check.h"
#include "catalog/open_catalog.h"
#include "iceberg/snapshot_producer.h"
#include "measuring.h"
#include "sink/lake/compaction.h"
#include "sink/lake/data_file_writer.h"
#include "sink/lake/lake_test_support.h"
#include "sink/lake/pg_type_oid.h"

namespace sluice::bench {
namespace {

TableSchemaPtr Shots() {
  auto schema = std::make_shared<TableSchema>();
  schema->oid = 1000;
  schema->name = {"public", "shots"};
  const std::vector<std::tuple<const char*, Oid, const char*>> columns{
      {"id", pg::kInt8, "int8"}, {"player", pg::kUuid, "uuid"}, {"at", pg::kTimestamptz, "timestamptz"}, {"speed", pg::kFloat8, "float8"}, {"spin", pg::kFloat8, "float8"},
      {"angle", pg::kFloat8, "float8"}, {"carry", pg::kFloat8, "float8"}, {"club", pg::kText, "text"}, {"course", pg::kText, "text"}, {"extra", pg::kJsonb, "jsonb"}, {"valid", pg::kBool, "bool"}};
  int16_t number = 0;
  for (const auto& [name, oid, type] : columns) schema->columns.push_back({name, ++number, testing::BuiltinType(oid, type), -1, number == 1});
  schema->key = {0};
  return schema;
}

/// One row of binary COPY.
void AppendShot(uint64_t id, std::mt19937_64& random, std::string& out) {
  const auto field = [&](const std::string& bytes) {
    AppendBigEndian(out, static_cast<int32_t>(bytes.size()));
    out += bytes;
  };
  const auto number = [&](auto value) {
    std::string bytes;
    AppendBigEndian(bytes, value);
    return bytes;
  };
  AppendBigEndian(out, int16_t{11});
  field(number(static_cast<int64_t>(id)));
  field(number(static_cast<int64_t>(random())) + number(static_cast<int64_t>(random())));
  field(number(int64_t{830'000'000'000'000} + static_cast<int64_t>(id * 40'000)));
  for (int i = 0; i < 4; ++i) field(number(std::bit_cast<int64_t>(static_cast<double>(random() % 100'000) / 1000)));
  field(fmt::format("club {}", random() % 14));
  field(fmt::format("course {}", random() % 500));
  field('\1' + fmt::format(R"({{"wind": {}, "lie": "fairway", "ball": {}}})", random() % 30, random() % 1000));
  field(std::string(1, static_cast<char>(random() % 2)));
}

/// Arrow's writer with what ours has decided on, told by a file of ours.
std::shared_ptr<parquet::WriterProperties> SettingsOf(ObjectStore& store, const std::string& uri, const ParquetOptions& options) {
  const auto file = parquet::ParquetFileReader::Open(Must(store.OpenInput(uri)));
  parquet::WriterProperties::Builder properties;
  properties.version(parquet::ParquetVersion::PARQUET_2_6)->data_page_version(parquet::ParquetDataPageVersion::V1)->enable_store_decimal_as_integer()->disable_dictionary();
  properties.max_row_group_length(1 << 20)->compression(parquet::Compression::ZSTD)->compression_level(options.compression_level);
  const auto group = file->metadata()->RowGroup(0);
  for (int i = 0; i < group->num_columns(); ++i)
    if (group->ColumnChunk(i)->has_dictionary_page()) properties.enable_dictionary(group->ColumnChunk(i)->path_in_schema());
  return properties.build();
}

void WriteByArrow(ObjectStore& store, const std::string& uri, const arrow::Table& table, int64_t rows_of_a_group, const std::shared_ptr<parquet::WriterProperties>& properties) {
  const auto output = Must(store.OpenOutput(uri));
  Must(parquet::arrow::WriteTable(table, arrow::default_memory_pool(), output, rows_of_a_group, properties));
  Must(output->Close());
}

// As the initial copy does.
constexpr size_t kRowGroupBytes = 32 << 20;

void Encode(uint64_t row_count, int rounds, const std::string& folder) {
  const auto store = Must(ObjectStore::Open(folder));
  const LakeSchemaPtr schema = MakeLakeSchema(Shots());
  std::mt19937_64 random(1);
  std::string rows;
  for (uint64_t id = 0; id < row_count; ++id) AppendShot(id, random, rows);
  const ParquetOptions options;
  std::vector<Columns> groups;
  std::vector<double> seconds, decode_seconds, ready, limit;
  const auto decode = [&](const auto& take) {
    RowDecoder decoder(*schema);
    ColumnBuffer buffer(schema);
    ByteReader reader(AsBytes(rows));
    for (uint64_t row = 0; row < row_count;) {
      row += Must(decoder.DecodeCopyRows(reader, row_count - row, {}, buffer));
      if (buffer.size_bytes() >= kRowGroupBytes) take(buffer.Finish());
    }
    if (buffer.rows() > 0) take(buffer.Finish());
  };
  decode([&](Columns columns) { groups.push_back(std::move(columns)); });
  const std::string ours = store->root_uri() + "/ours.parquet", theirs = store->root_uri() + "/theirs.parquet";
  arrow::ChunkedArrayVector chunked;
  for (size_t i = 0; i < groups.front().size(); ++i) {
    arrow::ArrayVector chunks;
    for (const Columns& group : groups) chunks.push_back(group[i]);
    chunked.push_back(std::make_shared<arrow::ChunkedArray>(chunks));
  }
  const auto table = arrow::Table::Make(schema->arrow, chunked);
  for (int round = 0; round < rounds; ++round) {
    seconds.push_back(Seconds([&] {
      const auto file = Must(DataFileWriter::Open(*store, ours, schema->arrow, options));
      decode([&](const Columns& columns) { Require(file->Write(columns)); });
      Must(file->Close());
    }));
    decode_seconds.push_back(Seconds([&] { decode([](const Columns&) {}); }));
    ready.push_back(Seconds([&] {
      const auto file = Must(DataFileWriter::Open(*store, ours, schema->arrow, options));
      for (const Columns& group : groups) Require(file->Write(group));
      Must(file->Close());
    }));
    const auto properties = SettingsOf(*store, ours, options);
    limit.push_back(Seconds([&] { WriteByArrow(*store, theirs, *table, groups.front().front()->length(), properties); }));
  }
  fmt::print(R"({{"seconds":[{}],"decode_seconds":[{}],"ready_seconds":[{}],"limit_seconds":[{}]}})" "\n", fmt::join(seconds, ","), fmt::join(decode_seconds, ","), fmt::join(ready, ","), fmt::join(limit, ","));
}

const LogIdentity kLog{7'000'000'000'000'000'001, 1, "app", "sluice"};

std::unique_ptr<Sink> OpenFilled(const LakeConfig& config, const TableSchemaPtr& schema, int64_t rows) {
  auto sink = Must(LakeSink::Open(config, kLog));
  const std::vector<TableDefinition> tables{testing::DefinitionOf(schema)};
  Require(sink->PrepareTables(tables, {{kLog, {100}}, Timestamp(std::chrono::seconds(50))}));
  auto writer = Must(sink->OpenCopyWriter(tables[0], BlockRange{}));
  std::string bytes;
  for (int64_t id = 0; id < rows; ++id) bytes += testing::CopyRow({id, "kind", fmt::format("body of {}", id)});
  Require(writer->Rows(AsBytes(bytes), static_cast<size_t>(rows)));
  Require(writer->Finish());
  Require(sink->FinishTables(tables, {kLog, {100}}, {}));
  return sink;
}

LakeConfig ConfigIn(const std::string& folder) {
  LakeConfig config;
  config.warehouse = folder;
  config.maintenance.enabled = false;
  config.tags.hourly = config.tags.daily = 0;
  return config;
}

void Commit(Sink& sink, testing::BatchMaker& batch, uint64_t lsn) {
  batch.End(lsn);
  Require(sink.Write(batch.Make()));
  Require(sink.Commit({kLog, {lsn}}, Timestamp(std::chrono::seconds(lsn))));
}

void MeasureCommits(int commits, const std::string& folder) {
  const LakeConfig config = ConfigIn(folder + "/lake");
  const TableSchemaPtr schema = testing::TestSchema("t");
  const auto sink = OpenFilled(config, schema, 10'000);
  const auto store = Must(ObjectStore::Open(folder + "/limit"));
  std::vector<double> seconds, limit;
  for (int i = 0; i < commits; ++i) {
    testing::BatchMaker batch(schema);
    batch.Update({i, "changed", "to this"}).Insert({100'000 + i, "new", "row"});
    const uint64_t lsn = 200 + static_cast<uint64_t>(i);
    seconds.push_back(Seconds([&] { Commit(*sink, batch, lsn); }));
    // Rows and their deletes, the manifests with their list, the metadata, the catalog: each waits for the one before.
    const std::string parquet(2000, 'p'), avro(5000, 'a'), json(60'000, 'j'), page(4096, 'c');
    limit.push_back(Seconds([&] {
      const std::string prefix = fmt::format("{}/{}", store->root_uri(), i);
      Require(store->Put(prefix + "-data.parquet", parquet));
      Require(store->Put(prefix + "-deletes.parquet", parquet));
      Require(store->PutAll(std::vector<ObjectBytes>{{prefix + "-m0.avro", avro}, {prefix + "-m1.avro", avro}, {prefix + "-list.avro", avro}}));
      Require(store->Put(prefix + ".metadata.json", json));
      Require(store->Put(prefix + "-catalog", page));
    }));
  }
  fmt::print(R"({{"seconds":[{}],"limit_seconds":[{}]}})" "\n", fmt::join(seconds, ","), fmt::join(limit, ","));
}

void MeasureCompaction(int file_count, int64_t rows, int rounds, const std::string& folder) {
  LakeConfig config = ConfigIn(folder + "/lake");
  config.commit_bytes_max = 1ull << 30;
  const TableSchemaPtr schema = testing::TestSchema("t");
  {
    const auto sink = OpenFilled(config, schema, rows);
    for (int file = 1; file < file_count; ++file) {
      testing::BatchMaker batch(schema);
      for (int64_t id = file * rows; id < (file + 1) * rows; ++id) batch.Insert({id, "kind", fmt::format("body of {}", id)});
      for (int64_t id = (file - 1) * rows; id < file * rows; id += 10) batch.Delete(id);
      Commit(*sink, batch, 200 + static_cast<uint64_t>(file));
    }
  }
  const auto store = Must(ObjectStore::Open(config.warehouse));
  const auto catalog = Must(OpenCatalog(config, *store));
  const CatalogTable table = *Must(catalog->LoadTable({"public", "t"}));
  iceberg::ManifestCache cache(*store, 64 << 20);
  KeyIndexSpace space("", 32 << 20);
  const LakeContext context{*store, cache, config, space, 1};
  CompactionLimits limits;
  limits.policy.file_bytes_target = 1ll << 30;
  limits.policy.files_to_merge = 2;
  limits.now = SystemClock().Now();
  Pace pace(0);
  std::vector<double> seconds, limit;
  for (int round = -1; round < rounds; ++round) {  // The first is not counted: it gets the process its memory, for both.
    std::optional<Compaction> compacted;
    seconds.push_back(Seconds([&] { compacted = Must(Compact(context, {"public", "t"}, *table.metadata, limits, pace, {})); }));
    if (!compacted || compacted->outputs.size() != 1 || compacted->inputs.size() < static_cast<size_t>(file_count)) {
      fmt::print(stderr, "the files were not written again as one\n");
      std::exit(1);
    }
    const auto properties = SettingsOf(*store, compacted->outputs.front().path, context.parquet());
    limit.push_back(Seconds([&] {
      const std::string uri = fmt::format("{}/by-arrow-{}.parquet", store->root_uri(), round);
      const auto output = Must(store->OpenOutput(uri));
      std::unique_ptr<parquet::arrow::FileWriter> writer;
      for (const CompactedFile& input : compacted->inputs) {
        parquet::arrow::FileReaderBuilder builder;
        Must(builder.Open(Must(store->OpenInput(input.path))));
        std::unique_ptr<parquet::arrow::FileReader> reader;
        Must(builder.Build(&reader));
        const auto rows_of_file = Must(reader->ReadTable());
        if (writer == nullptr) writer = Must(parquet::arrow::FileWriter::Open(*rows_of_file->schema(), arrow::default_memory_pool(), output, properties));
        SLUICE_CHECK(writer != nullptr);
        Must(writer->WriteTable(*rows_of_file, 1 << 20));
      }
      if (writer != nullptr) Must(writer->Close());
      Must(output->Close());
    }));
    RemoveWritten(*store, *compacted);
    if (round < 0) seconds.clear(), limit.clear();
  }
  fmt::print(R"({{"seconds":[{}],"limit_seconds":[{}]}})" "\n", fmt::join(seconds, ","), fmt::join(limit, ","));
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  const auto number = [&](size_t i) { return std::stoll(arguments.at(i)); };
  if (arguments.size() == 4 && arguments[0] == "encode") sluice::bench::Encode(static_cast<uint64_t>(number(1)), static_cast<int>(number(2)), arguments[3]);
  else if (arguments.size() == 3 && arguments[0] == "commit") sluice::bench::MeasureCommits(static_cast<int>(number(1)), arguments[2]);
  else if (arguments.size() == 5 && arguments[0] == "compaction") sluice::bench::MeasureCompaction(static_cast<int>(number(1)), number(2), static_cast<int>(number(3)), arguments[4]);
  else return 2;
}
