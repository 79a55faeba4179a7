#include "sink/lake/compaction.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/failpoint.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/partition_deletes.h"
#include "sink/lake/position_deletes.h"
#include "sink/lake/row_lineage.h"
#include "sink/lake/row_selection.h"
#include "sink/lake/row_sorter.h"
#include "sink/lake/sorted_part.h"
#include "sink/lake/table_id.h"
#include "sink/lake/type_map.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

// Arrow bytes that make a row group of what small files gave.
constexpr int64_t kRowGroupBytes = 32 << 20;
// That are put in order at once.
constexpr int64_t kSortedBytes = 2 * kRowGroupBytes;
// Whose order is found at once: it takes some 30 bytes for each, and the values of a column of texts.
constexpr int64_t kSortedRowsMax = 4 << 20;

using DeletesByPath = std::unordered_map<std::string, Roaring>;

/// A partition's part of a scan.
struct Partition {
  std::vector<const iceberg::ScanFile*> data;
  std::vector<const iceberg::DataFile*> vectors;  ///< Of each of `data`; nullptr: none.
  std::vector<uint32_t> deletes;  ///< Into TableScan::delete_files; without vectors.

  const iceberg::DataFile& any() const { return data.front()->data.file(); }
};

std::vector<Partition> PartitionsOf(const iceberg::TableScan& scan) {
  std::map<std::string, Partition> by_key;
  for (const iceberg::ScanFile& file : scan.data_files) by_key[iceberg::PartitionKey(file.data.file().spec_id, file.data.file().partition)].data.push_back(&file);
  for (uint32_t i = 0; i < scan.delete_files.size(); ++i) {
    const iceberg::DataFile& file = scan.delete_files[i].file();
    if (file.is_vector()) continue;
    const auto found = by_key.find(iceberg::PartitionKey(file.spec_id, file.partition));
    if (found != by_key.end()) found->second.deletes.push_back(i);
  }
  std::vector<Partition> partitions;
  for (auto& [key, partition] : by_key) {
    std::sort(partition.data.begin(), partition.data.end(), [](const iceberg::ScanFile* a, const iceberg::ScanFile* b) {
      return std::pair(a->data.sequence_number(), std::string_view(a->data.file().path)) < std::pair(b->data.sequence_number(), std::string_view(b->data.file().path));
    });
    for (const iceberg::ScanFile* const file : partition.data) partition.vectors.push_back(iceberg::VectorOf(scan, *file));
    partitions.push_back(std::move(partition));
  }
  // Where most files wait is where readers wait.
  std::stable_sort(partitions.begin(), partitions.end(), [](const Partition& a, const Partition& b) {
    return a.data.size() + a.deletes.size() > b.data.size() + b.deletes.size();
  });
  return partitions;
}

// When the newest file came; a snapshot that is forgotten is old enough.
bool IsQuiet(const Partition& partition, const iceberg::TableScan& scan, const iceberg::TableMetadata& table, const CompactionLimits& limits) {
  int64_t newest = 0;
  for (const iceberg::ScanFile* const file : partition.data) {
    newest = std::max(newest, file->data.sequence_number());
    for (const uint32_t i : file->deletes) newest = std::max(newest, scan.delete_files[i].sequence_number());
  }
  for (const uint32_t i : partition.deletes) newest = std::max(newest, scan.delete_files[i].sequence_number());
  for (const iceberg::Snapshot& snapshot : table.snapshots) {
    if (snapshot.sequence_number != newest) continue;
    const int64_t now_ms = limits.now.time_since_epoch().count() / 1000;
    return now_ms - snapshot.timestamp_ms >= std::chrono::milliseconds(limits.quiet_after).count();
  }
  return true;
}

PartitionFiles SizesOf(const Partition& partition, const iceberg::TableScan& scan) {
  PartitionFiles sizes;
  for (size_t i = 0; i < partition.data.size(); ++i) {
    const iceberg::DataFile& file = partition.data[i]->data.file();
    sizes.data.push_back({file.file_size_bytes, file.record_count, partition.vectors[i] != nullptr ? partition.vectors[i]->record_count : 0});
  }
  for (const uint32_t i : partition.deletes) sizes.deletes.push_back({scan.delete_files[i].file().record_count, 0});
  return sizes;
}

class Compactor {
 public:
  Compactor(const LakeContext& context, const iceberg::TableMetadata& table, TableLayout layout, const CompactionLimits& limits, Pace& pace, const std::stop_token& stop, Compaction& out)
      : context_(context), table_(table), layout_(std::move(layout)), limits_(limits), policy_(limits.policy), pace_(pace), stop_(stop), out_(out) {
    if (layout_.is_sorted()) policy_.file_rows_target = kSortedRowsMax;
    for (const iceberg::Field& field : table.schema().fields) fields_.push_back(ToArrowField(field));
    if (layout_.has_vectors())
      for (auto& field : LineageFields()) fields_.push_back(std::move(field));
  }

  /// Whether anything of the partition was written again.
  Result<bool> Run(const Partition& partition, const iceberg::TableScan& scan) {
    PartitionFiles sizes = SizesOf(partition, scan);
    sizes.quiet = IsQuiet(partition, scan, table_, limits_);
    // What an upgraded table has of position deletes becomes vectors.
    const bool has_old_deletes = layout_.has_vectors() && !partition.deletes.empty();
    if (!has_old_deletes && !MayNeedCompaction(sizes, policy_)) return false;
    std::map<uint32_t, DeletesByPath> deletes;
    for (const uint32_t i : partition.deletes) {
      RETURN_IF_ERROR(ReadPositionDeletes(context_.store, scan.delete_files[i].file().path, deletes[i]));
      Spend(scan.delete_files[i].file().file_size_bytes);
    }
    std::vector<Roaring> deleted(partition.data.size());
    for (size_t i = 0; i < partition.data.size(); ++i) {
      if (partition.vectors[i] != nullptr) continue;  // Its count is known, and it is read only if the file is written again.
      for (const uint32_t of : partition.data[i]->deletes) {
        const auto positions = deletes.find(of);
        if (positions == deletes.end()) continue;
        const auto found = positions->second.find(partition.data[i]->data.file().path);
        if (found != positions->second.end()) deleted[i] |= found->second;
      }
      sizes.data[i].deleted_rows = static_cast<int64_t>(deleted[i].cardinality());
    }
    const auto groups = PlanDataGroups(sizes, policy_);
    std::unordered_map<std::string_view, size_t> staying;  // Without those that have a vector.
    for (size_t i = 0; i < partition.data.size(); ++i)
      if (partition.vectors[i] == nullptr) staying.emplace(partition.data[i]->data.file().path, i);
    for (const auto& group : groups)
      for (const size_t i : group) staying.erase(partition.data[i]->data.file().path);
    for (size_t i = 0; i < partition.deletes.size(); ++i)
      for (const auto& [path, rows] : deletes[partition.deletes[i]])
        if (!staying.contains(path)) sizes.deletes[i].dangling += static_cast<int64_t>(rows.cardinality());
    std::vector<size_t> merged(partition.deletes.size());
    if (has_old_deletes) std::iota(merged.begin(), merged.end(), size_t{0});
    else merged = PlanDeleteMerge(sizes, policy_);
    if (groups.empty() && merged.empty()) return false;

    for (const auto& group : groups) {
      for (const size_t i : group) RETURN_IF_ERROR(ReadVector(partition.vectors[i], deleted[i]));
      RETURN_IF_ERROR(WriteGroup(partition, group, deleted));
      if (stop_.stop_requested()) return false;
    }
    DeletesByPath remaining;
    for (const size_t i : merged) {
      out_.removed_delete_files.push_back(scan.delete_files[partition.deletes[i]].file().path);
      for (auto& [path, rows] : deletes[partition.deletes[i]])
        if (staying.contains(path)) remaining[path] |= rows;
    }
    if (!layout_.has_vectors()) {
      RETURN_IF_ERROR(WriteDeletes(partition, remaining));
    } else {
      // A vector holds all deletes of its file, also those of files that are not merged.
      for (const auto& [path, rows] : remaining) out_.unvectored[path] = deleted[staying.at(path)];
    }
    return true;
  }

 private:
  void Spend(int64_t bytes) {
    out_.bytes_read += bytes;
    pace_.Admit(static_cast<uint64_t>(bytes), stop_);
  }

  std::string FolderOf(const iceberg::DataFile& file) const {
    return file.spec_id == table_.default_spec_id ? iceberg::PartitionPath(table_.spec(), table_.schema(), file.partition) : "";
  }

  Status ReadVector(const iceberg::DataFile* vector, Roaring& rows) {
    if (vector == nullptr) return Ok();
    DeletesByPath read;
    RETURN_IF_ERROR(ReadDeletes(context_.store, *vector, read));
    Spend(vector->content_size_bytes.value_or(0));
    rows = std::move(read.begin()->second);
    return Ok();
  }

  Status WriteGroup(const Partition& partition, const std::vector<size_t>& group, std::vector<Roaring>& deleted) {
    const iceberg::DataFile& first = partition.data[group.front()]->data.file();
    std::vector<LiveInput> inputs;
    uint32_t live_rows = 0;
    for (const size_t i : group) {
      inputs.push_back({partition.data[i]->data, deleted[i], live_rows});
      live_rows += inputs.back().live_rows();
    }
    const auto output = static_cast<uint32_t>(out_.outputs.size());
    std::vector<uint32_t> places;  // In the new file, of each live row; empty: as they come.
    if (live_rows > 0) {
      const std::string uri = NewDataFileUri(context_, table_.location, FolderOf(first), "-compacted.parquet");
      ASSIGN_OR_RETURN(writer_, DataFileWriter::Open(context_.store, uri, arrow::schema(fields_), context_.parquet()));
      if (layout_.is_sorted()) {
        ASSIGN_OR_RETURN(places, PlacesInOrder(inputs));
      }
      RETURN_IF_ERROR(places.empty() ? CopyInputs(inputs) : CopyInOrder(inputs, places));
    }
    if (stop_.stop_requested()) return Ok();
    for (size_t i = 0; i < group.size(); ++i) {
      const LiveInput& input = inputs[i];
      RowForward forward{output, input.first_row, {}, nullptr};
      if (!places.empty()) {
        ASSIGN_OR_RETURN(forward.places, RowPlaces::Make(std::span(places).subspan(input.first_row, input.live_rows()), context_.index_space.folder()));
      }
      forward.left_out = std::move(deleted[group[i]]);
      out_.inputs.push_back({input.of.file().path, input.of.file().record_count, std::move(forward)});
    }
    if (live_rows == 0) return Ok();
    ASSIGN_OR_RETURN(iceberg::DataFile made, writer_->Close());
    writer_.reset();
    made.spec_id = first.spec_id;
    made.partition = first.partition;
    if (layout_.is_sorted()) made.sort_order_id = layout_.sort.id;
    LeaveOutLineage(made);
    const bool complete = made.record_count == static_cast<int64_t>(live_rows);
    out_.outputs.push_back(std::move(made));
    return complete ? Ok() : Status(WrongCount(first));
  }

  static Error WrongCount(const iceberg::DataFile& file) { return {ErrorKind::kCorrupt, file.path + ": a file has another number of rows than its manifest says"}; }

  struct LiveInput {
    const iceberg::LiveFile& of;
    const Roaring& deleted;
    uint32_t first_row = 0;  ///< Of its live rows, among those of all inputs.

    uint32_t live_rows() const { return static_cast<uint32_t>(of.file().record_count - static_cast<int64_t>(deleted.cardinality())); }
  };
  /// By their number among the live rows of a file. Null: all.
  using Wanted = std::function<bool(uint32_t nth)>;
  /// Rows of one row group, with these numbers if only some were wanted.
  using Visit = std::function<Status(Columns columns, const std::vector<uint32_t>& numbers)>;

  Status VisitLiveRows(const LiveInput& input, const arrow::FieldVector& fields, const Wanted& wanted, const Visit& visit) {
    if (input.live_rows() == 0) return Ok();
    const iceberg::DataFile& file = input.of.file();
    const bool with_lineage = layout_.has_vectors() && fields.size() == fields_.size();
    ASSIGN_OR_RETURN(auto reader, DataFileReader::Open(context_.store, file.path));
    int64_t first = 0, count = 0;
    uint32_t nth = 0;
    for (int group = 0; group < reader->row_groups() && !stop_.stop_requested(); ++group, first += count) {
      count = reader->rows_in(group);
      Roaring live;
      live.addRange(static_cast<uint64_t>(first), static_cast<uint64_t>(first + count));
      live -= input.deleted;
      std::vector<int64_t> rows;
      std::vector<uint32_t> numbers;
      const bool all = !wanted && static_cast<int64_t>(live.cardinality()) == count;
      if (!all) {
        for (const uint32_t row : live) {
          const uint32_t number = nth++;
          if (wanted && !wanted(number)) continue;
          rows.push_back(row - first);
          if (wanted) numbers.push_back(number);
        }
        if (rows.empty()) continue;
      }
      ASSIGN_OR_RETURN(Columns columns, reader->Read(group, fields));
      if (with_lineage) RETURN_IF_ERROR(FillLineage(input.of, first, columns));
      if (!all && static_cast<int64_t>(rows.size()) < count) {
        ASSIGN_OR_RETURN(columns, TakeRows(columns, rows));
      }
      RETURN_IF_ERROR(visit(std::move(columns), numbers));
      // Read here, and about as much to be written.
      if (file.record_count > 0) Spend(2 * file.file_size_bytes * count / file.record_count);
    }
    return Ok();
  }

  Status CopyInputs(const std::vector<LiveInput>& inputs) {
    for (const LiveInput& input : inputs) {
      RETURN_IF_ERROR(VisitLiveRows(input, fields_, nullptr, [this](Columns columns, const auto&) { return Append(std::move(columns)); }));
    }
    return WriteRowGroup();
  }

  /// Where in the new file each live row goes. Empty: all are in order.
  Result<std::vector<uint32_t>> PlacesInOrder(const std::vector<LiveInput>& inputs) {
    RowSorter sorter(layout_.sort, table_.schema());
    arrow::FieldVector fields;
    for (const size_t column : sorter.columns()) fields.push_back(fields_[column]);
    for (const LiveInput& input : inputs) {
      RETURN_IF_ERROR(VisitLiveRows(input, fields, nullptr, [&](Columns columns, const auto&) {
        sorter.Add(columns);
        return Ok();
      }));
      if (stop_.stop_requested()) return std::vector<uint32_t>();
      if (sorter.rows() != static_cast<int64_t>(input.first_row) + input.live_rows()) return WrongCount(input.of.file());
    }
    const std::vector<int64_t> order = sorter.Order();
    std::vector<uint32_t> places(order.size());
    for (size_t place = 0; place < order.size(); ++place) places[static_cast<size_t>(order[place])] = static_cast<uint32_t>(place);
    return places;
  }

  /// Part after part of the new file is picked from all inputs: as many rows as fit in memory, so what is large is read several times.
  Status CopyInOrder(const std::vector<LiveInput>& inputs, const std::vector<uint32_t>& places) {
    const auto rows = static_cast<uint32_t>(places.size());
    uint32_t count = rows;
    for (uint32_t begin = 0; begin < rows && !stop_.stop_requested();) {
      uint32_t end = begin + std::min(count, rows - begin);
      SortedPart part;
      for (const LiveInput& input : inputs) {
        const auto place_of = [&](uint32_t nth) { return places[input.first_row + nth]; };
        const auto wanted = [&](uint32_t nth) { return nth < input.live_rows() && place_of(nth) >= begin && place_of(nth) < end; };
        const Visit add = [&](Columns columns, const std::vector<uint32_t>& numbers) -> Status {
          std::vector<uint32_t> of_rows;
          for (const uint32_t nth : numbers) of_rows.push_back(place_of(nth));
          part.Add(std::move(columns), std::move(of_rows));
          while (part.bytes() > kSortedBytes && end - begin > 1) {
            end = begin + (end - begin) / 2;
            RETURN_IF_ERROR(part.KeepBelow(end));
          }
          return Ok();
        };
        RETURN_IF_ERROR(VisitLiveRows(input, fields_, wanted, add));
      }
      if (stop_.stop_requested()) return Ok();
      const auto groups = static_cast<uint32_t>(1 + part.bytes() / kRowGroupBytes);
      ASSIGN_OR_RETURN(const Columns columns, part.InOrder(begin, end));
      count = end - begin;
      for (uint32_t first = 0, size = (count + groups - 1) / groups; first < count; first += size) {
        Columns slice;
        for (size_t i = 0; i < columns.size(); ++i) slice.push_back(AsType(columns[i]->Slice(first, size), fields_[i]->type()));
        RETURN_IF_ERROR(writer_->Write(slice));
      }
      begin = end;
    }
    return Ok();
  }

  Status Append(Columns columns) {
    if (columns.empty() || columns.front()->length() == 0) return Ok();
    for (const auto& column : columns) waiting_bytes_ += arrow::util::TotalBufferSize(*column);
    waiting_.push_back(std::move(columns));
    return waiting_bytes_ < kRowGroupBytes ? Ok() : WriteRowGroup();
  }

  Status WriteRowGroup() {
    if (waiting_.empty()) return Ok();
    Columns columns;
    for (size_t i = 0; i < fields_.size(); ++i) {
      arrow::ArrayVector chunks;
      for (const Columns& part : waiting_) chunks.push_back(part[i]);
      auto whole = arrow::Concatenate(chunks);
      RETURN_IF_ERROR(FromArrow(whole.status(), "merging files"));
      columns.push_back(AsType(*whole, fields_[i]->type()));
    }
    waiting_.clear();
    waiting_bytes_ = 0;
    return writer_->Write(columns);
  }

  Status WriteDeletes(const Partition& partition, const DeletesByPath& deletes) {
    std::vector<FileDeletes> files;
    for (const auto& [path, rows] : deletes) files.push_back({path, partition.any().spec_id, &partition.any().partition, &rows});
    ASSIGN_OR_RETURN(out_.delete_files, WriteDeletesByPartition(context_, layout_, table_.schema(), files));
    return Ok();
  }

  const LakeContext& context_;
  const iceberg::TableMetadata& table_;
  const TableLayout layout_;
  const CompactionLimits& limits_;
  CompactionPolicy policy_;
  Pace& pace_;
  const std::stop_token& stop_;
  Compaction& out_;
  arrow::FieldVector fields_;

  std::unique_ptr<DataFileWriter> writer_;
  std::vector<Columns> waiting_;  // Rows for the next row group.
  int64_t waiting_bytes_ = 0;
};

}  // namespace

void RemoveWritten(ObjectStore& store, const Compaction& compaction) {
  for (const auto* files : {&compaction.outputs, &compaction.delete_files})
    for (const iceberg::DataFile& file : *files) static_cast<void>(store.Remove(file.path).ok());
}

Result<std::optional<Compaction>> Compact(const LakeContext& context, const TableIdentifier& id, const iceberg::TableMetadata& table,
                                          const CompactionLimits& limits, Pace& pace, const std::stop_token& stop) {
  if (!table.current_snapshot_id) return std::optional<Compaction>();
  ASSIGN_OR_RETURN(const iceberg::ManifestFiles manifests, iceberg::CurrentManifests(table, context.manifests));
  ASSIGN_OR_RETURN(const iceberg::TableScan scan, iceberg::PlanScan(*manifests, context.manifests));
  const TableLayout layout = LayoutOf(table, context.config, NameOf(id));
  for (const Partition& partition : PartitionsOf(scan)) {
    Compaction compaction;
    compaction.table = id;
    compaction.table_uuid = table.table_uuid;
    compaction.format_version = table.format_version;
    for (const iceberg::LiveFile& file : scan.delete_files) compaction.seen_delete_files.insert(file.file().path);
    Result<bool> found = Compactor(context, table, layout, limits, pace, stop, compaction).Run(partition, scan);
    if (found.ok() && *found) {
      SLUICE_FAILPOINT("lake.compaction_written");
      return std::optional(std::move(compaction));
    }
    RemoveWritten(context.store, compaction);
    if (!found.ok()) return found.error();
    if (stop.stop_requested()) break;
  }
  return std::optional<Compaction>();
}

}  // namespace sluice
