#include "sink/lake/index_files.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <atomic>

#include "base/parallel.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/key_columns.h"
#include "sink/lake/key_index_builder.h"

namespace sluice {
namespace {

constexpr size_t kReadThreads = 2;
constexpr int64_t kRowsAtOnce = 4096;  // Their keys stay in the processor's cache.

// Those of [first, first + rows) that are deleted, counted from `first`.
void DeletedAmong(const TableFile& file, uint32_t first, uint32_t rows, std::vector<uint32_t>& deleted) {
  deleted.clear();
  for (const Roaring* deletes : {&file.committed_deletes, &file.new_deletes}) {
    auto at = deletes->begin();
    for (at.equalorlarger(first); at != deletes->end() && *at - first < rows; ++at) deleted.push_back(*at - first);
  }
  if (!std::is_sorted(deleted.begin(), deleted.end())) std::sort(deleted.begin(), deleted.end());
}

Status ReadKeys(ObjectStore& store, const LakeSchema& schema, const KeyCodec& codec, const TableFile& file, uint32_t id, KeyIndexBuilder::Lane& lane) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const size_t column : codec.columns()) fields.push_back(schema.arrow->field(static_cast<int>(column)));
  if (fields.empty()) fields.push_back(schema.arrow->field(0));  // Rows without columns have to be counted by a stamp.
  KeyColumns key_columns(codec);
  std::vector<RowKey> keys(kRowsAtOnce);
  std::vector<uint32_t> deleted;
  return ReadDataFile(store, file.path, fields, [&](const Columns& columns, int64_t first) -> Status {
    const int64_t rows = columns[0]->length();
    for (int64_t from = 0; from < rows; from += kRowsAtOnce) {
      const auto count = static_cast<uint32_t>(std::min(kRowsAtOnce, rows - from));
      const std::span<RowKey> some = std::span(keys).first(count);
      key_columns.Encode(columns, from, some);
      const auto row = static_cast<uint32_t>(first + from);
      DeletedAmong(file, row, count, deleted);
      RETURN_IF_ERROR(lane.Add(some, {id, row}, deleted));
    }
    return Ok();
  });
}

}  // namespace

Status IndexFiles(ObjectStore& store, const LakeSchema& schema, const KeyCodec& codec, std::span<const TableFile> files,
                  const std::string& folder, KeyIndex& index) {
  uint64_t rows = 0;
  for (const TableFile& file : files) rows += file.removed ? 0 : static_cast<uint64_t>(std::max<int64_t>(file.rows, 0));
  const auto builder = KeyIndexBuilder::Make(codec.narrow(), folder, rows);
  std::atomic<uint32_t> next = 0;
  std::vector<std::function<Status()>> readers;
  for (size_t i = 0; i < std::min(kReadThreads, files.size()); ++i) {
    readers.push_back([&, &lane = builder->OpenLane()]() -> Status {
      for (uint32_t id = next++; id < files.size(); id = next++) {
        if (!files[id].removed) RETURN_IF_ERROR(ReadKeys(store, schema, codec, files[id], id, lane));
      }
      return Ok();
    });
  }
  RETURN_IF_ERROR(RunParallel(readers, kReadThreads));
  return builder->Finish(index);
}

}  // namespace sluice
