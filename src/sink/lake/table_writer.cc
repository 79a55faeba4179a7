#include "sink/lake/table_writer.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "observability/error_catalog.h"
#include "observability/log.h"
#include "sink/lake/index_files.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/row_selection.h"
#include "sink/lake/row_sorter.h"

namespace sluice {
namespace {

// Open rows of one table take at most this: with the copy that encoding makes, a process stays within 512 MiB.
constexpr size_t kOpenBytesMax = 64 << 20;

}  // namespace

TableWriter::TableWriter(const LakeContext& context, LakeSchemaPtr schema, TableLayout layout, iceberg::ManifestFiles manifests)
    : context_(context), schema_(std::move(schema)), layout_(std::move(layout)), manifests_(std::move(manifests)) {
  Reset();
}

void TableWriter::Reset() {
  decoder_ = std::make_unique<RowDecoder>(*schema_);
  codec_ = std::make_unique<KeyCodec>(*schema_);
  buffer_ = std::make_unique<ColumnBuffer>(schema_);
}

void TableWriter::ChangeSchema(LakeSchemaPtr schema, iceberg::SortOrder sort) {
  SLUICE_CHECK(buffer_->rows() == 0);
  schema_ = std::move(schema);
  layout_.sort = std::move(sort);
  index_.reset();  // Keys may be made of other columns now.
  Reset();
}

Status TableWriter::Apply(const ChangeBatch& batch, const Change& change, const RowStamp& stamp) {
  dirty_ = true;
  switch (change.operation) {
    case Operation::kInsert: RETURN_IF_ERROR(Insert(batch.new_tuple(change), stamp, VersionKind::kInsert)); break;
    case Operation::kUpdate: RETURN_IF_ERROR(Update(batch, change, stamp)); break;
    case Operation::kDelete: RETURN_IF_ERROR(Delete(batch, change, stamp)); break;
    case Operation::kTruncate: return Truncate(stamp);
  }
  const size_t limit = std::min<size_t>(kOpenBytesMax, std::min(layout_.file_bytes_target, context_.config.commit_bytes_max));
  return size_bytes() < limit ? Ok() : Flush();
}

Status TableWriter::Insert(const std::byte* tuple, const RowStamp& stamp, VersionKind kind) {
  decoder_->Reset();
  RETURN_IF_ERROR(decoder_->DecodeTuple(tuple));
  ASSIGN_OR_RETURN(const RowKey key, KeyOfCells());
  if (index_ && schema_->source->has_key() && index_->Find(key)) doubled_keys_.push_back(key);
  AppendRow(key, stamp, kind);
  return Ok();
}

/// Leaves the new row's cells, and says which key the row had if the source does.
Result<std::optional<RowKey>> TableWriter::DecodeUpdate(const ChangeBatch& batch, const Change& change) {
  decoder_->Reset();
  std::optional<RowKey> old_key;
  if (change.old_kind != OldTuple::kNone) {
    RETURN_IF_ERROR(decoder_->DecodeTuple(batch.old_tuple(change)));
    old_key = codec_->Encode(decoder_->cells());
  }
  // Columns that are unchanged keep the old tuple's cells, as far as it had them.
  RETURN_IF_ERROR(decoder_->DecodeTuple(batch.new_tuple(change)));
  return old_key;
}

Status TableWriter::Update(const ChangeBatch& batch, const Change& change, const RowStamp& stamp) {
  RETURN_IF_ERROR(EnsureIndex());
  ASSIGN_OR_RETURN(const std::optional<RowKey> old_key, DecodeUpdate(batch, change));
  ASSIGN_OR_RETURN(const RowKey key, KeyOfCells());
  const RowKey from = old_key.value_or(key);
  ASSIGN_OR_RETURN(const RowLocation old, Locate(from, "an update"));
  if (key != from && schema_->source->has_key() && index_->Find(key)) doubled_keys_.push_back(key);
  // Who looks for the old key must find that it is gone; rows without one are known by all they hold.
  if (changes_ != nullptr && change.old_kind != OldTuple::kNone && (key != from || !schema_->source->has_key())) {
    decoder_->Reset();
    RETURN_IF_ERROR(decoder_->DecodeTuple(batch.old_tuple(change)));
    AppendDead(stamp, VersionKind::kDelete);
    ASSIGN_OR_RETURN(const auto same, DecodeUpdate(batch, change));
    SLUICE_CHECK(same == old_key);
  }
  const auto row = static_cast<uint32_t>(buffer_->rows());
  for (const uint32_t column : decoder_->unchanged()) {
    const bool known = change.old_kind == OldTuple::kFull || !decoder_->cells()[column].is_null();
    if (!known) unchanged_.Note(column, row, Resolve(old));
  }
  Remove(from, old);
  AppendRow(key, stamp, VersionKind::kUpdate);
  return Ok();
}

Status TableWriter::Delete(const ChangeBatch& batch, const Change& change, const RowStamp& stamp) {
  RETURN_IF_ERROR(EnsureIndex());
  decoder_->Reset();
  if (change.old_kind == OldTuple::kNone)
    return Error{ErrorKind::kCorrupt, fmt::format("table {}: a delete without the old row", ToString(schema_->source->name))};
  RETURN_IF_ERROR(decoder_->DecodeTuple(batch.old_tuple(change)));
  const RowKey key = codec_->Encode(decoder_->cells());
  ASSIGN_OR_RETURN(const RowLocation at, Locate(key, "a delete"));
  Remove(key, at);
  AppendDead(stamp, VersionKind::kDelete);
  return Ok();
}

Status TableWriter::Truncate(const RowStamp& stamp) {
  if (changes_ != nullptr) RETURN_IF_ERROR(TakeOpenRows());
  for (auto& [id, file] : new_files_) garbage_.push_back(file.path);
  new_files_.clear();
  files_.clear();
  buffer_ = std::make_unique<ColumnBuffer>(schema_);
  keys_.clear();
  dead_rows_ = Roaring();
  unchanged_.Clear();
  doubled_keys_.clear();
  index_.reset();
  if (!schema_->source->append_only()) index_ = std::make_unique<KeyIndex>(codec_->narrow(), context_.index_space);  // Else no row has a key that could be in it.
  files_loaded_ = true;
  truncated_ = true;
  decoder_->Reset();
  AppendDead(stamp, VersionKind::kTruncate);
  return Ok();
}

Result<RowKey> TableWriter::KeyOfCells() {
  for (const size_t column : schema_->source->key) {
    if (decoder_->cells()[column].is_null())
      return Error{ErrorKind::kNeedsOperator,
                   fmt::format("table {}: a value of key column {} can't be held in the lake", ToString(schema_->source->name),
                               schema_->source->columns[column].name),
                   slu::kLakeKeyValue};
  }
  // Rows of a table that is only appended to are never looked for.
  return schema_->source->append_only() ? RowKey{} : codec_->Encode(decoder_->cells());
}

Result<RowLocation> TableWriter::Locate(const RowKey& key, std::string_view operation) const {
  const std::optional<RowLocation> found = index_->Find(key);
  if (found) return *found;
  return Error{ErrorKind::kNeedsOperator,
               fmt::format("table {}: the row of {} is not in the lake", ToString(schema_->source->name), operation),
               slu::kLakeRowMissing};
}

void TableWriter::AppendRow(const RowKey& key, const RowStamp& stamp, VersionKind kind) {
  const auto row = static_cast<uint32_t>(buffer_->rows());
  buffer_->Append(decoder_->cells(), stamp);
  if (changes_ != nullptr) versions_.push_back(changes_->Next(stamp.lsn, kind));
  if (schema_->source->append_only()) return;
  keys_.push_back(key);
  if (index_) index_->Insert(key, {kOpenFile, row});
}

/// A version that no row of the table has.
void TableWriter::AppendDead(const RowStamp& stamp, VersionKind kind) {
  if (changes_ == nullptr) return;
  dead_rows_.add(static_cast<uint32_t>(buffer_->rows()));
  buffer_->Append(decoder_->cells(), stamp);
  if (!schema_->source->append_only()) keys_.emplace_back();
  versions_.push_back(changes_->Next(stamp.lsn, kind));
}

// The index still says where a row was before its file was written again.
RowLocation TableWriter::Resolve(RowLocation at) const {
  while (at.file != kOpenFile && files_[at.file].forward) {
    const RowForward& forward = *files_[at.file].forward;
    at = {forward.file, forward.RowOf(at.row)};
  }
  return at;
}

void TableWriter::Remove(const RowKey& key, RowLocation indexed) {
  SLUICE_CHECK(index_->Erase(key, indexed));
  const RowLocation at = Resolve(indexed);
  if (at.file == kOpenFile) {
    dead_rows_.add(at.row);
    return;
  }
  files_[at.file].new_deletes.add(at.row);
  ++files_[at.file].deleted_count;
}

Status TableWriter::EnsureIndex() {
  if (index_) return Ok();
  if (schema_->source->append_only())
    return Error{ErrorKind::kCorrupt, fmt::format("table {}: a change of a row that nothing identifies", ToString(schema_->source->name))};
  if (!files_loaded_) {
    if (manifests_) RETURN_IF_ERROR(LoadTableFiles(context_.store, context_.manifests, *manifests_, files_));
    files_loaded_ = true;
  }
  auto index = std::make_unique<KeyIndex>(codec_->narrow(), context_.index_space);
  RETURN_IF_ERROR(IndexFiles(context_.store, *schema_, *codec_, files_, context_.index_space.folder(), *index));
  index_ = std::move(index);
  for (uint32_t row = 0; row < keys_.size(); ++row) {
    if (!dead_rows_.contains(row)) index_->Insert(keys_[row], {kOpenFile, row});
  }
  log::Debug("lake", "lake.index_built", "read the keys of a table",
             {{"table", ToString(schema_->source->name)}, {"rows", std::to_string(index_->size())}});
  return Ok();
}

/// Whole, with what the source did not send; the table of changes has got them then.
Result<Columns> TableWriter::TakeOpenRows() {
  Columns columns = buffer_->Finish();
  RETURN_IF_ERROR(unchanged_.Fill(context_.store, *schema_, [&](uint32_t file) { return files_[file].path; }, columns));
  unchanged_.Clear();
  if (changes_ != nullptr) RETURN_IF_ERROR(changes_->Append(schema_->iceberg, columns, std::exchange(versions_, {})));
  return columns;
}

Status TableWriter::Flush() {
  if (buffer_->rows() == 0) return SettleIndex();
  SLUICE_FAILPOINT("lake.before_data_files");
  ASSIGN_OR_RETURN(Columns columns, TakeOpenRows());
  // Row i of the columns was open row open_rows[i]; empty where none is dead.
  std::vector<int64_t> open_rows;
  if (!dead_rows_.isEmpty()) {
    for (int64_t row = 0; row < columns[0]->length(); ++row) {
      if (!dead_rows_.contains(static_cast<uint32_t>(row))) open_rows.push_back(row);
    }
    ASSIGN_OR_RETURN(columns, TakeRows(columns, open_rows));
  }
  if (columns[0]->length() > 0) {
    for (const PartitionGroup& group : GroupByPartition(layout_.spec, schema_->iceberg, columns)) {
      std::vector<int64_t> of_group = group.rows;
      SortRows(layout_.sort, schema_->iceberg, columns, of_group);
      if (of_group.empty()) {
        RETURN_IF_ERROR(WriteGroup(group.tuple, columns, open_rows));
        continue;
      }
      ASSIGN_OR_RETURN(const Columns part, TakeRows(columns, of_group));
      if (!open_rows.empty()) {
        for (int64_t& row : of_group) row = open_rows[static_cast<size_t>(row)];
      }
      RETURN_IF_ERROR(WriteGroup(group.tuple, part, of_group));
    }
  }
  keys_.clear();
  dead_rows_ = Roaring();
  return SettleIndex();  // No row is open now.
}

Status TableWriter::WriteGroup(const iceberg::PartitionTuple& tuple, const Columns& columns, const std::vector<int64_t>& open_rows) {
  const std::string uri = NewDataFileUri(context_, layout_.location, iceberg::PartitionPath(layout_.spec, schema_->iceberg, tuple));
  ASSIGN_OR_RETURN(iceberg::DataFile file, WriteDataFile(context_.store, uri, schema_->arrow, columns, context_.parquet()));
  file.spec_id = layout_.spec.id;
  file.partition = tuple;
  if (layout_.is_sorted()) file.sort_order_id = layout_.sort.id;
  const auto id = static_cast<uint32_t>(files_.size());
  TableFile known = TableFileOf(file);
  if (index_) {
    for (uint32_t row = 0; row < static_cast<uint32_t>(known.rows); ++row) {
      const uint32_t open_row = open_rows.empty() ? row : static_cast<uint32_t>(open_rows[row]);
      SLUICE_CHECK(index_->Move(keys_[open_row], {kOpenFile, open_row}, {id, row}));
    }
  }
  files_.push_back(std::move(known));
  new_files_.emplace_back(id, std::move(file));
  return Ok();
}

// A key that came twice must be single again when its transaction ends. If not, the older row was sent before: the
// newer one stays.
void TableWriter::ResolveDuplicates() {
  for (const RowKey& key : doubled_keys_) {
    while (index_ && index_->Count(key) > 1) {
      Remove(key, *index_->Find(key));
      log::Warn("lake", "lake.row_replaced", "an inserted row took the place of one with the same key",
                {{"table", ToString(schema_->source->name)}});
    }
  }
  doubled_keys_.clear();
}

Result<iceberg::TableChange> TableWriter::Prepare() {
  ResolveDuplicates();
  RETURN_IF_ERROR(Flush());
  SLUICE_FAILPOINT("lake.before_delete_files");
  iceberg::TableChange change;
  RETURN_IF_ERROR(PrepareDeletes(change));
  for (const auto& [id, file] : new_files_) {
    if (!files_[id].removed) change.added_files.push_back(file);
  }
  change.remove_everything = truncated_;
  return change;
}

void TableWriter::Committed(iceberg::ManifestFiles manifests) {
  manifests_ = std::move(manifests);
  for (TableFile& file : files_) {
    file.committed = true;
    if (layout_.has_vectors() && !file.new_deletes.isEmpty()) file.has_vector = true;
    file.committed_deletes |= file.new_deletes;
    file.new_deletes = Roaring();
  }
  new_files_.clear();
  if (!files_loaded_) files_.clear();  // The manifests name them from here on.
  truncated_ = false;
  dirty_ = false;
}

}  // namespace sluice
