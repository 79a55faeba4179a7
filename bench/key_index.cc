// key_index probe ROWS TABLES FOLDER
//   Builds the index of TABLES tables with ROWS keys in all, and looks for keys, every second of which is absent, on one
//   thread. Prints {"probes_per_second":…,"bytes_per_key":…,"anonymous_bytes":…,…} for narrow and wide keys.
//
// key_index rebuild ROWS ROUNDS FOLDER
//   Writes data files with a bigint, a uuid and a text, then by turns reads one of these columns with Arrow, one file and two
//   files at a time, and builds the index by it. Prints {"bigint":{"limit_seconds":[…],"seconds":[…]},…}.

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <parquet/arrow/reader.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "measuring.h"
#include "sink/lake/data_file_writer.h"
#include "sink/lake/index_files.h"
#include "sink/lake/key_index_builder.h"

namespace sluice::bench {
namespace {

constexpr uint32_t kRowsOfAFile = 1'000'000;

// What belongs to this process alone, without pages of files.
uint64_t AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  uint64_t sum = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:") || line.starts_with("RssShmem:")) sum += std::stoull(line.substr(line.find(':') + 1)) << 10;
  return sum;
}

RowKey KeyOf(bool narrow, uint64_t number) {
  return narrow ? RowKey{number, 0} : HashOf({reinterpret_cast<const char*>(&number), sizeof number});
}

std::string Probe(bool narrow, uint64_t rows, uint64_t table_count, const std::string& folder) {
  KeyIndexSpace space(folder, 32 << 20);
  std::vector<std::unique_ptr<KeyIndex>> tables;
  const uint64_t rows_of_a_table = rows / table_count;
  std::vector<RowKey> keys;
  uint64_t anonymous_max = 0;
  const double build_seconds = Seconds([&] {
    for (uint64_t table = 0; table < table_count; ++table) {
      auto& index = tables.emplace_back(std::make_unique<KeyIndex>(narrow, space));
      const auto builder = KeyIndexBuilder::Make(narrow, folder, rows_of_a_table);
      KeyIndexBuilder::Lane& lane = builder->OpenLane();
      for (uint64_t first = 0; first < rows_of_a_table; first += keys.size()) {
        keys.clear();
        for (uint64_t i = first; i < std::min(first + 4000, rows_of_a_table); ++i) keys.push_back(KeyOf(narrow, 2 * (table + i * table_count)));
        Require(lane.Add(keys, {static_cast<uint32_t>(first / kRowsOfAFile), static_cast<uint32_t>(first % kRowsOfAFile)}, {}));
      }
      anonymous_max = std::max(anonymous_max, AnonymousBytes());
      Require(builder->Finish(*index));
    }
  });
  // Lives on as a table does: some rows are new, some are gone.
  std::mt19937_64 random(1);
  for (uint64_t i = 0; i < rows / 100; ++i) {
    const uint64_t number = random() % rows * 2;
    const RowKey key = KeyOf(narrow, number);
    KeyIndex& index = *tables[number / 2 % table_count];
    if (const auto at = index.Find(key)) {
      index.Erase(key, *at);
      index.Insert(key, {kRowsOfAFile, static_cast<uint32_t>(i)});
    }
    if (i % 1000 == 0)
      for (const auto& table : tables) Require(table->Settle());
  }
  std::vector<uint64_t> numbers(std::min<uint64_t>(rows, 4'000'000));
  for (uint64_t& number : numbers) number = random() % (2 * rows_of_a_table * table_count);
  uint64_t found = 0, wrong = 0;
  const auto probe = [&] {
    for (const uint64_t number : numbers) {
      const bool present = tables[number / 2 % table_count]->Find(KeyOf(narrow, number)).has_value();
      found += present ? 1 : 0;
      wrong += present != (number % 2 == 0) ? 1 : 0;
    }
  };
  probe();  // So that all pages are there.
  const double seconds = Seconds(probe);
  if (wrong > 0) Require(Error{ErrorKind::kCorrupt, fmt::format("{} probes found what is not there, or did not find what is", wrong)});
  uint64_t bytes = 0, size = 0, segments = 0;
  for (const auto& index : tables) {
    bytes += index->size_bytes();
    size += index->size();
    segments = std::max<uint64_t>(segments, index->segments());
  }
  return fmt::format(R"({{"keys":{},"tables":{},"probes_per_second":{:.0f},"bytes_per_key":{:.2f},"anonymous_bytes":{},"segments_max":{},"build_rows_per_second":{:.0f}}})",
                     size, table_count, static_cast<double>(numbers.size()) / seconds, static_cast<double>(bytes) / static_cast<double>(size),
                     std::max(anonymous_max, AnonymousBytes()), segments, static_cast<double>(rows) / build_seconds);
}

std::shared_ptr<arrow::Array> ArrayOf(const std::shared_ptr<arrow::DataType>& type, std::vector<std::string> buffers, int64_t rows) {
  std::vector<std::shared_ptr<arrow::Buffer>> all{nullptr};
  for (std::string& buffer : buffers) all.push_back(arrow::Buffer::FromString(std::move(buffer)));
  return arrow::MakeArray(arrow::ArrayData::Make(type, rows, std::move(all), 0));
}

// Numbers that count up, random uuids, texts like user names.
Columns ColumnsOf(const arrow::Schema& schema, uint64_t first, uint32_t rows, std::mt19937_64& random) {
  std::string numbers, uuids, texts, ends(sizeof(int32_t), '\0');
  for (uint64_t i = first; i < first + rows; ++i) {
    numbers.append(reinterpret_cast<const char*>(&i), sizeof i);
    const uint64_t uuid[] = {random(), random()};
    uuids.append(reinterpret_cast<const char*>(uuid), sizeof uuid);
    texts += fmt::format("user-{}-{:x}", i, random() >> 40);
    const auto end = static_cast<int32_t>(texts.size());
    ends.append(reinterpret_cast<const char*>(&end), sizeof end);
  }
  return {ArrayOf(schema.field(0)->type(), {std::move(numbers)}, rows), ArrayOf(arrow::fixed_size_binary(16), {std::move(uuids)}, rows),
          ArrayOf(schema.field(2)->type(), {std::move(ends), std::move(texts)}, rows)};
}

LakeSchemaPtr SchemaWithKey(size_t key) {
  auto source = std::make_shared<TableSchema>();
  source->name = {"public", "keyed"};
  const std::pair<const char*, Oid> columns[] = {{"int8", 20}, {"uuid", 2950}, {"text", 25}};
  for (const auto& [name, oid] : columns) {
    auto type = std::make_shared<Type>();
    type->oid = oid;
    type->name_space = "pg_catalog";
    type->name = name;
    source->columns.push_back({name, static_cast<int16_t>(source->columns.size() + 1), type, -1, true});
  }
  source->key = {key};
  return MakeLakeSchema(source);
}

// File after file, `at_once` of them at the same time; each with the threads that Arrow gives it, which is one for one column.
void ReadWithArrow(const std::vector<std::string>& paths, int column, size_t at_once) {
  std::atomic<size_t> next = 0;
  const auto read = [&] {
    for (size_t i = next++; i < paths.size(); i = next++) {
      parquet::arrow::FileReaderBuilder builder;
      std::unique_ptr<parquet::arrow::FileReader> reader;
      if (!builder.Open(Must(arrow::io::ReadableFile::Open(paths[i]))).ok() || !builder.Build(&reader).ok()) std::exit(1);
      reader->set_use_threads(true);
      Must(reader->ReadTable({column}));
    }
  };
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < at_once; ++i) threads.emplace_back(read);
}

std::string Rebuild(uint64_t rows, int rounds, const std::string& folder) {
  const auto store = Must(ObjectStore::Open(folder));
  std::vector<TableFile> files;
  std::vector<std::string> paths;
  std::mt19937_64 random(1);
  const std::shared_ptr<arrow::Schema> all = SchemaWithKey(0)->arrow;
  const arrow::Schema three({all->field(0), all->field(1)->WithType(arrow::fixed_size_binary(16)), all->field(2)});
  for (uint64_t first = 0; first < rows; first += kRowsOfAFile) {
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(kRowsOfAFile, rows - first));
    paths.push_back(fmt::format("{}/{}.parquet", folder, files.size()));
    TableFile& file = files.emplace_back();
    file.path = fmt::format("{}/{}.parquet", store->root_uri(), files.size() - 1);
    file.rows = count;
    Must(WriteDataFile(*store, file.path, std::make_shared<arrow::Schema>(three), ColumnsOf(three, first, count, random), {}));
  }
  std::string text;
  const char* const names[] = {"bigint", "uuid", "text"};
  for (int column = 0; column < 3; ++column) {
    const LakeSchemaPtr schema = SchemaWithKey(static_cast<size_t>(column));
    const KeyCodec codec(*schema);
    std::vector<double> limit_seconds, parallel_limit_seconds, seconds;
    const auto build = [&] {
      KeyIndexSpace space(folder, 32 << 20);
      KeyIndex index(codec.narrow(), space);
      Require(IndexFiles(*store, *schema, codec, files, folder, index));
      if (index.size() != rows) Require(Error{ErrorKind::kCorrupt, "the index lacks rows"});
    };
    ReadWithArrow(paths, column, 1);  // So that both find the files in memory.
    for (int round = 0; round < rounds; ++round) {
      const auto limit = [&] {
        limit_seconds.push_back(Seconds([&] { ReadWithArrow(paths, column, 1); }));
        parallel_limit_seconds.push_back(Seconds([&] { ReadWithArrow(paths, column, 2); }));
      };
      if (round % 2 == 0) limit();
      seconds.push_back(Seconds(build));
      if (round % 2 == 1) limit();
    }
    text += fmt::format(R"({}"{}":{{"limit_seconds":[{:.4f}],"parallel_limit_seconds":[{:.4f}],"seconds":[{:.4f}],"anonymous_bytes":{}}})", column == 0 ? "" : ",", names[column],
                        fmt::join(limit_seconds, ","), fmt::join(parallel_limit_seconds, ","), fmt::join(seconds, ","), AnonymousBytes());
  }
  return "{" + text + "}";
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const std::string what = argc == 5 ? argv[1] : "";
  if (what == "probe") {
    const uint64_t rows = std::stoull(argv[2]), tables = std::stoull(argv[3]);
    fmt::print(R"({{"narrow":{},"wide":{}}})" "\n", Probe(true, rows, tables, argv[4]), Probe(false, rows, tables, argv[4]));
  } else if (what == "rebuild") {
    fmt::print("{}\n", Rebuild(std::stoull(argv[2]), std::stoi(argv[3]), argv[4]));
  } else {
    fmt::print(stderr, "usage: key_index probe ROWS TABLES FOLDER | key_index rebuild ROWS ROUNDS FOLDER\n");
    return 2;
  }
  return 0;
}
