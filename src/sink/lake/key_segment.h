#pragma once
// An immutable, sorted and bit-packed part of a key index, in a mapped file.
//
// Format:  offsets: (2^bucket_bits + 1) × uint32, the first entry of each bucket | padding to 8 bytes
//          | entries, each of the same count of bits, lowest first: row | file | key without its bucket | 16 bytes
//
// The upper bits of a key are its bucket and so are not stored; buckets hold 8 to 16 entries where keys differ. Widths of
// file and row are what the largest of them need. 100 million narrow keys in a thousand files take 9.2 bytes each.

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sink/lake/index_entry.h"
#include "sink/lake/index_file.h"

namespace sluice {

/// What has to be known before the first entry is written.
struct SegmentShape {
  bool narrow = true;
  uint64_t entries = 0;  ///< At most kSegmentEntriesMax.
  uint32_t file_max = 0;
  uint32_t row_max = 0;
};
inline constexpr uint64_t kSegmentEntriesMax = UINT32_MAX;

/// Where the fields of an entry lie.
struct SegmentLayout {
  explicit SegmentLayout(const SegmentShape& shape);

  using Number = unsigned __int128;
  Number NumberOf(const IndexKey& key) const { return narrow ? Number{key.high} : Number{key.high} << 32 | key.low; }
  IndexKey KeyOf(Number number) const {
    return narrow ? IndexKey{static_cast<uint64_t>(number), 0} : IndexKey{static_cast<uint64_t>(number >> 32), static_cast<uint32_t>(number)};
  }
  size_t BucketOf(Number number) const { return static_cast<size_t>(number >> key_width); }

  bool narrow;
  int bucket_bits;
  int key_width;   ///< Without the bucket.
  int file_width;
  int row_width;
  int entry_width;
  size_t entries_begin;  ///< Bytes from the file's begin.
  size_t size_bytes;
};

class KeySegment {
 public:
  KeySegment(const SegmentShape& shape, FileMapping mapping) : shape_(shape), layout_(shape), mapping_(std::move(mapping)) {}

  /// Begins to load what Find will look at.
  void Prefetch(const IndexKey& key) const;
  /// The first in order of location.
  std::optional<RowLocation> Find(const IndexKey& key) const;
  size_t Count(const IndexKey& key) const;
  /// False if there is no such entry.
  bool Erase(const IndexKey& key, RowLocation at);

  size_t size() const { return static_cast<size_t>(shape_.entries) - erased_count_; }
  bool half_erased() const { return erased_count_ * 2 > shape_.entries; }
  const SegmentShape& shape() const { return shape_; }
  size_t file_bytes() const { return mapping_.size(); }
  size_t memory_bytes() const { return erased_.size() * sizeof(uint64_t); }
  void ExpectSequential(bool sequential) const { mapping_.ExpectSequential(sequential); }

  /// Walks over the entries that are not erased, in order. The segment must outlive it.
  class Cursor {
   public:
    explicit Cursor(const KeySegment& segment) : segment_(&segment) {}
    bool Next();
    const IndexKey& key() const { return key_; }
    RowLocation at() const { return at_; }

   private:
    const KeySegment* segment_;
    uint64_t next_ = 0;
    size_t bucket_ = 0;
    IndexKey key_;
    RowLocation at_;
  };

 private:
  using Number = SegmentLayout::Number;

  uint64_t Offset(size_t bucket) const;
  Number Bits(uint64_t entry, int from, int width) const;
  Number RestOf(uint64_t entry) const { return Bits(entry, layout_.row_width + layout_.file_width, layout_.key_width); }
  RowLocation LocationOf(uint64_t entry) const;
  /// The first entry that does not come before these.
  uint64_t LowerBound(Number number, RowLocation at) const;
  bool HasKey(uint64_t entry, uint64_t end, Number rest) const { return entry < end && RestOf(entry) == rest; }
  bool IsErased(uint64_t entry) const { return !erased_.empty() && (erased_[entry / 64] >> entry % 64 & 1) != 0; }
  uint64_t NextLive(uint64_t entry, uint64_t end) const;

  SegmentShape shape_;
  SegmentLayout layout_;
  FileMapping mapping_;
  std::vector<uint64_t> erased_;  // One bit per entry, once there is one.
  size_t erased_count_ = 0;
};

/// A segment that is being written. Its ranges may be written by several threads at once.
class SegmentFile {
 public:
  /// `folder`: as IndexFile's. Error: kUnavailable, kNeedsOperator (4121), also of the other functions.
  static Result<std::unique_ptr<SegmentFile>> Create(const std::string& folder, const SegmentShape& shape);

  const SegmentLayout& layout() const { return layout_; }
  /// All ranges are finished, and together hold as many entries as the shape said.
  Result<std::unique_ptr<KeySegment>> Finish();

 private:
  friend class SegmentRange;
  // A byte of which two ranges or more have some bits.
  struct SharedByte {
    uint64_t offset;  // Among the entries.
    uint8_t bits;
  };
  SegmentFile(IndexFile file, const SegmentShape& shape) : file_(std::move(file)), shape_(shape), layout_(shape) {}

  IndexFile file_;
  const SegmentShape shape_;
  const SegmentLayout layout_;

  std::mutex mutex_;  // Guards everything below.
  std::vector<SharedByte> shared_;
  uint64_t entries_ = 0;
};

/// Writes the entries of successive buckets.
class SegmentRange {
 public:
  /// Of buckets [bucket, bucket_end), whose first entry is number `entry`. The file must outlive it.
  SegmentRange(SegmentFile& file, size_t bucket, size_t bucket_end, uint64_t entry);
  /// Of all buckets.
  explicit SegmentRange(SegmentFile& file) : SegmentRange(file, 0, size_t{1} << file.layout().bucket_bits, 0) {}

  /// In order of key and location.
  template <class Entry>
  Status Append(std::span<const Entry> entries) {
    for (; !entries.empty(); entries = entries.subspan(Pack(entries))) {
      if (size_ + kRoom > kBytesMax || offsets_.size() >= kOffsetsMax) RETURN_IF_ERROR(WriteOut());
    }
    return Ok();
  }
  Status Finish();

 private:
  using Bits = SegmentLayout::Number;
  static constexpr size_t kBytesMax = 64 << 10;
  static constexpr size_t kOffsetsMax = 16 << 10;

  static constexpr size_t kRoom = 3 * sizeof(Bits);  // Which the largest entry and what is written behind it need.

  /// Appends as many as there is room for, at least one; how many.
  template <class Entry>
  size_t Pack(std::span<const Entry> entries);
  Status WriteOut();
  void Share(uint64_t offset, uint8_t bits);

  SegmentFile& file_;
  const SegmentLayout layout_;
  const std::unique_ptr<std::byte[]> bytes_;  // Entries that are not in the file yet.
  size_t size_ = 0;
  std::vector<uint32_t> offsets_;             // Likewise.
  uint8_t pending_ = 0;                       // Bits of the byte that is not full.
  int pending_bits_;
  bool shares_first_;
  uint64_t next_byte_;                        // Where bytes_ goes, among the entries.
  size_t next_offset_;
  size_t next_bucket_;
  const size_t bucket_end_;
  const uint64_t first_entry_;
  uint64_t entry_;
};

extern template size_t SegmentRange::Pack(std::span<const NarrowEntry>);
extern template size_t SegmentRange::Pack(std::span<const WideEntry>);

}  // namespace sluice
