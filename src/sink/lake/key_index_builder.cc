#include "sink/lake/key_index_builder.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <functional>
#include <numeric>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/parallel.h"
#include "observability/error_catalog.h"
#include "sink/lake/segment_merge.h"

namespace sluice {
namespace {

constexpr size_t kLaneBytes = 16 << 20;               // What one lane holds in memory, over all parts.
constexpr uint64_t kPartEntriesTarget = 64 << 10;     // Sorted in the processor's cache.
constexpr size_t kPartEntriesMax = 1 << 20;           // Sorted at once: bounds memory where many rows have one key.
constexpr int kPartBitsMax = 12;
constexpr size_t kWorthASegment = 4096;
constexpr size_t kThreads = 2;

// Entries that came to one lane, divided into parts. A part's chunk goes to the file when it is full.
template <class Entry>
class EntryLane final : public KeyIndexBuilder::Lane {
 public:
  EntryLane(bool narrow, std::string folder, int part_bits)
      : narrow_(narrow), folder_(std::move(folder)), part_bits_(part_bits),
        chunk_entries_(kLaneBytes / sizeof(Entry) >> part_bits), buffer_(std::make_unique_for_overwrite<Entry[]>(chunk_entries_ << part_bits)),
        filled_(size_t{1} << part_bits), chunks_(size_t{1} << part_bits) {}

  Status Add(std::span<const RowKey> keys, RowLocation first, std::span<const uint32_t> skipped) override {
    for (uint32_t i = 0; i < keys.size(); ++i) {
      if (!skipped.empty() && skipped.front() == i) {
        skipped = skipped.subspan(1);
        continue;
      }
      const IndexKey key = IndexKeyOf(keys[i], narrow_);
      const size_t part = part_bits_ == 0 ? 0 : static_cast<size_t>(key.high >> (64 - part_bits_));
      buffer_[part * chunk_entries_ + filled_[part]] = Entry::Of(key, {first.file, first.row + i});
      if (++filled_[part] == chunk_entries_) RETURN_IF_ERROR(Spill(part));
    }
    if (!keys.empty()) {
      file_max_ = std::max(file_max_, first.file);
      row_max_ = std::max(row_max_, first.row + static_cast<uint32_t>(keys.size() - 1));
    }
    return Ok();
  }

  size_t CountOf(size_t part) const { return chunks_[part].size() * chunk_entries_ + filled_[part]; }
  size_t chunk_entries() const { return chunk_entries_; }
  uint32_t file_max() const { return file_max_; }
  uint32_t row_max() const { return row_max_; }

  /// Moves entries of the part, a chunk at most, to `into`; how many.
  Result<size_t> Take(size_t part, Entry* into) {
    std::vector<uint32_t>& chunks = chunks_[part];
    if (chunks.empty()) {
      const Entry* const from = &buffer_[part * chunk_entries_];
      std::copy(from, from + filled_[part], into);
      return std::exchange(filled_[part], 0);
    }
    RETURN_IF_ERROR(file_->ReadAt(chunks.back() * ChunkBytes(), std::as_writable_bytes(std::span(into, chunk_entries_))));
    chunks.pop_back();
    return chunk_entries_;
  }

 private:
  uint64_t ChunkBytes() const { return chunk_entries_ * sizeof(Entry); }

  Status Spill(size_t part) {
    if (!file_) {
      ASSIGN_OR_RETURN(file_, IndexFile::Create(folder_));
    }
    RETURN_IF_ERROR(file_->WriteAt(chunks_written_ * ChunkBytes(), std::as_bytes(std::span(&buffer_[part * chunk_entries_], chunk_entries_))));
    chunks_[part].push_back(chunks_written_++);
    filled_[part] = 0;
    return Ok();
  }

  const bool narrow_;
  const std::string folder_;
  const int part_bits_;
  const size_t chunk_entries_;
  const std::unique_ptr<Entry[]> buffer_;  // One chunk for each part.
  std::vector<size_t> filled_;
  std::vector<std::vector<uint32_t>> chunks_;
  uint32_t chunks_written_ = 0;
  std::optional<IndexFile> file_;
  uint32_t file_max_ = 0, row_max_ = 0;
};

template <class Entry>
bool Before(const Entry& a, const Entry& b) {
  if (a.high != b.high) return a.high < b.high;
  return a < b;
}

// Memory for the entries of one part, used for one part after the other.
template <class Entry>
class SortSpace {
 public:
  /// Room for `count` entries.
  Entry* Reserve(size_t count) {
    if (count > capacity_) {
      capacity_ = count + count / 8;
      entries_ = std::make_unique_for_overwrite<Entry[]>(capacity_);
      scratch_ = std::make_unique_for_overwrite<Entry[]>(capacity_);
    }
    return entries_.get();
  }

  /// Sorts the first `count` entries. Their keys are evenly spread behind the first `skipped` bits, as a rule: so they go to
  /// their places by as many bits as there are entries, and next to nothing is left to do.
  std::span<Entry> Sort(size_t count, int skipped) {
    const int bits = std::max(1, static_cast<int>(std::bit_width(count)));
    const auto place = [&](const Entry& entry) { return static_cast<size_t>(entry.high << skipped >> (64 - bits)); };
    begins_.assign((size_t{1} << bits) + 1, 0);
    for (size_t i = 0; i < count; ++i) ++begins_[place(entries_[i]) + 1];
    const bool even = *std::max_element(begins_.begin(), begins_.end()) <= kFew;
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
    for (size_t i = 0; i < count; ++i) scratch_[begins_[place(entries_[i])]++] = entries_[i];
    if (!even) std::sort(scratch_.get(), scratch_.get() + count, Before<Entry>);
    for (size_t i = 1; i < count; ++i) {
      const Entry entry = scratch_[i];
      size_t at = i;
      for (; at > 0 && Before(entry, scratch_[at - 1]); --at) scratch_[at] = scratch_[at - 1];
      if (at != i) scratch_[at] = entry;
    }
    return {scratch_.get(), count};
  }

 private:
  static constexpr uint32_t kFew = 32;

  size_t capacity_ = 0;
  std::unique_ptr<Entry[]> entries_, scratch_;
  std::vector<uint32_t> begins_;
};

template <class Entry>
class Builder final : public KeyIndexBuilder {
 public:
  static constexpr bool kNarrow = std::is_same_v<Entry, NarrowEntry>;

  Builder(std::string folder, uint64_t rows_expected)
      : folder_(std::move(folder)), part_bits_(std::min(kPartBitsMax, static_cast<int>(std::bit_width(rows_expected / kPartEntriesTarget)))) {}

  Lane& OpenLane() override { return *lanes_.emplace_back(std::make_unique<EntryLane<Entry>>(kNarrow, folder_, part_bits_)); }

  Status Finish(KeyIndex& index) override {
    if (lanes_.empty()) return Ok();
    const size_t parts = size_t{1} << part_bits_;
    SegmentShape shape{kNarrow, 0, 0, 0};
    std::vector<uint64_t> starts;
    for (size_t part = 0; part < parts; ++part) {
      starts.push_back(shape.entries);
      shape.entries += CountOf(part);
    }
    for (const auto& lane : lanes_) {
      shape.file_max = std::max(shape.file_max, lane->file_max());
      shape.row_max = std::max(shape.row_max, lane->row_max());
    }
    if (shape.entries > kSegmentEntriesMax)
      return Error{ErrorKind::kNeedsOperator, "a table has more rows than a key index can hold: 4,294,967,295", slu::kLakeIndexFile};
    if (shape.entries <= kWorthASegment) return InsertAll(index);
    ASSIGN_OR_RETURN(const auto file, SegmentFile::Create(folder_, shape));
    // Of few keys several parts may share a bucket.
    const int range_bits = std::min(part_bits_, file->layout().bucket_bits);
    const size_t parts_of_a_range = size_t{1} << (part_bits_ - range_bits), buckets_of_a_range = size_t{1} << (file->layout().bucket_bits - range_bits);
    std::atomic<size_t> next = 0;
    const std::function<Status()> write_some = [&]() -> Status {
      SortSpace<Entry> space;
      for (size_t range = next++; range < size_t{1} << range_bits; range = next++) {
        const size_t part = range * parts_of_a_range;
        SegmentRange writer(*file, range * buckets_of_a_range, (range + 1) * buckets_of_a_range, starts[part]);
        for (size_t i = part; i < part + parts_of_a_range; ++i) RETURN_IF_ERROR(WritePart(i, space, writer));
        RETURN_IF_ERROR(writer.Finish());
      }
      return Ok();
    };
    RETURN_IF_ERROR(RunParallel(std::vector(kThreads, write_some), kThreads));
    ASSIGN_OR_RETURN(std::unique_ptr<KeySegment> segment, file->Finish());
    index.Add(std::move(segment));
    return Ok();
  }

 private:
  size_t CountOf(size_t part) const {
    size_t count = 0;
    for (const auto& lane : lanes_) count += lane->CountOf(part);
    return count;
  }

  Status InsertAll(KeyIndex& index) {
    SortSpace<Entry> space;
    for (size_t part = 0; part < size_t{1} << part_bits_; ++part) {
      ASSIGN_OR_RETURN(const size_t count, TakeSome(part, kWorthASegment, space));
      for (const Entry& entry : std::span(space.Reserve(count), count)) index.Insert(entry.key(), entry.at);
    }
    return Ok();
  }

  // `wanted` entries of the part, up to a chunk more, or as many as there are.
  Result<size_t> TakeSome(size_t part, size_t wanted, SortSpace<Entry>& space) {
    Entry* const entries = space.Reserve(wanted + lanes_.front()->chunk_entries());
    size_t count = 0;
    for (const auto& lane : lanes_) {
      while (count < wanted) {
        ASSIGN_OR_RETURN(const size_t more, lane->Take(part, entries + count));
        if (more == 0) break;
        count += more;
      }
    }
    return count;
  }

  Status WritePart(size_t part, SortSpace<Entry>& space, SegmentRange& writer) {
    const size_t count = CountOf(part);
    if (count == 0) return Ok();
    if (count > kPartEntriesMax) return WriteLarge(part, space, writer);
    ASSIGN_OR_RETURN(const size_t taken, TakeSome(part, count, space));
    SLUICE_CHECK(taken == count);
    return writer.Append(std::span<const Entry>(space.Sort(count, part_bits_)));
  }

  // Sorted pieces become segments of their own first.
  Status WriteLarge(size_t part, SortSpace<Entry>& space, SegmentRange& writer) {
    std::vector<std::unique_ptr<KeySegment>> pieces;
    std::vector<KeySegment*> merged;
    while (true) {
      ASSIGN_OR_RETURN(const size_t count, TakeSome(part, kPartEntriesMax, space));
      if (count == 0) break;
      const std::span<Entry> entries = space.Sort(count, part_bits_);
      SegmentShape shape{kNarrow, count, 0, 0};
      for (const Entry& entry : entries) {
        shape.file_max = std::max(shape.file_max, entry.at.file);
        shape.row_max = std::max(shape.row_max, entry.at.row);
      }
      ASSIGN_OR_RETURN(const auto file, SegmentFile::Create(folder_, shape));
      SegmentRange piece(*file);
      RETURN_IF_ERROR(piece.Append(std::span<const Entry>(entries)));
      RETURN_IF_ERROR(piece.Finish());
      ASSIGN_OR_RETURN(auto segment, file->Finish());
      merged.push_back(segment.get());
      pieces.push_back(std::move(segment));
    }
    return MergeInto(writer, {}, merged);
  }

  const std::string folder_;
  const int part_bits_;
  std::vector<std::unique_ptr<EntryLane<Entry>>> lanes_;
};

}  // namespace

std::unique_ptr<KeyIndexBuilder> KeyIndexBuilder::Make(bool narrow, const std::string& folder, uint64_t rows_expected) {
  if (narrow) return std::make_unique<Builder<NarrowEntry>>(folder, rows_expected);
  return std::make_unique<Builder<WideEntry>>(folder, rows_expected);
}

}  // namespace sluice
