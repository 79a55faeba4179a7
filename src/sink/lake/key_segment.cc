#include "sink/lake/key_segment.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace sluice {
namespace {

constexpr size_t kTailBytes = 16;  // So that the last entry can be read as a whole.

int WidthOf(uint32_t maximum) { return static_cast<int>(std::bit_width(maximum)); }

// Packs bits without a branch: all 16 bytes are written, and what is not full of them is written again by the next. Kept in
// local variables, as the bytes that it writes might else be its own.
struct BitPacker {
  static constexpr int kWidthMax = 120;  // With seven bits that are pending they fit into 16 bytes.

  // `width`: 8 to kWidthMax.
  void Put(SegmentLayout::Number value, int width) {
    const SegmentLayout::Number bits = value << pending_bits | pending;
    std::memcpy(out, &bits, sizeof bits);
    const int count = pending_bits + width;
    out += count / 8;
    pending_bits = count % 8;
    pending = static_cast<uint8_t>(value >> (width - pending_bits));  // Not of `bits`: so the next need not wait for these.
  }

  std::byte* out;
  uint8_t pending;
  int pending_bits;
};

uint64_t Bytes8(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

SegmentLayout::SegmentLayout(const SegmentShape& shape)
    : narrow(shape.narrow), bucket_bits(std::max(0, static_cast<int>(std::bit_width(shape.entries)) - 4)),
      key_width((narrow ? 64 : 96) - bucket_bits), file_width(WidthOf(shape.file_max)), row_width(WidthOf(shape.row_max)),
      entry_width(key_width + file_width + row_width), entries_begin(Bytes8(((1ull << bucket_bits) + 1) * sizeof(uint32_t))),
      size_bytes(entries_begin + Bytes8((shape.entries * static_cast<uint64_t>(entry_width) + 7) / 8) + kTailBytes) {}

uint64_t KeySegment::Offset(size_t bucket) const {
  uint32_t offset;
  std::memcpy(&offset, mapping_.begin() + bucket * sizeof offset, sizeof offset);
  return offset;
}

KeySegment::Number KeySegment::Bits(uint64_t entry, int from, int width) const {
  const uint64_t bit = entry * static_cast<uint64_t>(layout_.entry_width) + static_cast<uint64_t>(from);
  Number bits;  // At most 7 + 96 of its bits are needed.
  std::memcpy(&bits, mapping_.begin() + layout_.entries_begin + bit / 8, sizeof bits);
  return bits >> bit % 8 & ((Number{1} << width) - 1);
}

RowLocation KeySegment::LocationOf(uint64_t entry) const {
  const auto bits = static_cast<uint64_t>(Bits(entry, 0, layout_.row_width + layout_.file_width));
  return {static_cast<uint32_t>(bits >> layout_.row_width), static_cast<uint32_t>(bits & ((1ull << layout_.row_width) - 1))};
}

uint64_t KeySegment::LowerBound(Number number, RowLocation at) const {
  const size_t bucket = layout_.BucketOf(number);
  const Number rest = number & ((Number{1} << layout_.key_width) - 1);
  uint64_t from = Offset(bucket), to = Offset(bucket + 1);
  while (from < to) {
    const uint64_t middle = from + (to - from) / 2;
    const Number there = RestOf(middle);
    const bool before = there < rest || (there == rest && LocationOf(middle) < at);
    if (before) from = middle + 1; else to = middle;
  }
  return from;
}

uint64_t KeySegment::NextLive(uint64_t entry, uint64_t end) const {
  if (erased_.empty()) return entry;
  while (entry < end) {
    const uint64_t live = ~erased_[entry / 64] >> entry % 64;
    if (live != 0) return entry + static_cast<uint64_t>(std::countr_zero(live));
    entry = (entry / 64 + 1) * 64;
  }
  return end;
}

void KeySegment::Prefetch(const IndexKey& key) const {
  __builtin_prefetch(mapping_.begin() + layout_.BucketOf(layout_.NumberOf(key)) * sizeof(uint32_t));
}

std::optional<RowLocation> KeySegment::Find(const IndexKey& key) const {
  const Number number = layout_.NumberOf(key);
  const Number rest = number & ((Number{1} << layout_.key_width) - 1);
  const uint64_t end = Offset(layout_.BucketOf(number) + 1);
  const uint64_t first = LowerBound(number, {});
  if (!HasKey(first, end, rest)) return std::nullopt;
  const uint64_t live = NextLive(first, end);
  return HasKey(live, end, rest) ? std::optional(LocationOf(live)) : std::nullopt;
}

size_t KeySegment::Count(const IndexKey& key) const {
  const Number number = layout_.NumberOf(key);
  const Number rest = number & ((Number{1} << layout_.key_width) - 1);
  const uint64_t end = Offset(layout_.BucketOf(number) + 1);
  size_t count = 0;
  for (uint64_t entry = LowerBound(number, {}); HasKey(entry, end, rest); ++entry) count += IsErased(entry) ? 0 : 1;
  return count;
}

bool KeySegment::Erase(const IndexKey& key, RowLocation at) {
  const Number number = layout_.NumberOf(key);
  const Number rest = number & ((Number{1} << layout_.key_width) - 1);
  const uint64_t end = Offset(layout_.BucketOf(number) + 1);
  for (uint64_t entry = LowerBound(number, at); HasKey(entry, end, rest) && LocationOf(entry) == at; ++entry) {
    if (IsErased(entry)) continue;
    if (erased_.empty()) erased_.resize(static_cast<size_t>(shape_.entries / 64 + 1));
    erased_[entry / 64] |= 1ull << entry % 64;
    ++erased_count_;
    return true;
  }
  return false;
}

bool KeySegment::Cursor::Next() {
  next_ = segment_->NextLive(next_, segment_->shape_.entries);
  if (next_ >= segment_->shape_.entries) return false;
  while (segment_->Offset(bucket_ + 1) <= next_) ++bucket_;
  key_ = segment_->layout_.KeyOf(Number{bucket_} << segment_->layout_.key_width | segment_->RestOf(next_));
  at_ = segment_->LocationOf(next_);
  ++next_;
  return true;
}

Result<std::unique_ptr<SegmentFile>> SegmentFile::Create(const std::string& folder, const SegmentShape& shape) {
  SLUICE_CHECK(shape.entries <= kSegmentEntriesMax);
  ASSIGN_OR_RETURN(IndexFile file, IndexFile::Create(folder));
  return std::unique_ptr<SegmentFile>(new SegmentFile(std::move(file), shape));
}

Result<std::unique_ptr<KeySegment>> SegmentFile::Finish() {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(entries_ == shape_.entries);
  std::sort(shared_.begin(), shared_.end(), [](const SharedByte& a, const SharedByte& b) { return a.offset < b.offset; });
  for (size_t i = 0; i < shared_.size(); ++i) {
    SharedByte& byte = shared_[i];
    if (i + 1 < shared_.size() && shared_[i + 1].offset == byte.offset) shared_[i + 1].bits |= byte.bits;
    else RETURN_IF_ERROR(file_.WriteAt(layout_.entries_begin + byte.offset, std::as_bytes(std::span(&byte.bits, 1))));
  }
  const auto end = static_cast<uint32_t>(entries_);
  RETURN_IF_ERROR(file_.WriteAt((uint64_t{1} << layout_.bucket_bits) * sizeof end, std::as_bytes(std::span(&end, 1))));
  const std::byte tail[kTailBytes] = {};
  RETURN_IF_ERROR(file_.WriteAt(layout_.size_bytes - kTailBytes, tail));
  ASSIGN_OR_RETURN(FileMapping mapping, file_.Map(layout_.size_bytes));
  return std::make_unique<KeySegment>(shape_, std::move(mapping));
}

SegmentRange::SegmentRange(SegmentFile& file, size_t bucket, size_t bucket_end, uint64_t entry)
    : file_(file), layout_(file.layout_), bytes_(std::make_unique_for_overwrite<std::byte[]>(kBytesMax)), next_offset_(bucket),
      next_bucket_(bucket), bucket_end_(bucket_end), first_entry_(entry), entry_(entry) {
  const uint64_t bit = entry * static_cast<uint64_t>(layout_.entry_width);
  pending_bits_ = static_cast<int>(bit % 8);
  shares_first_ = pending_bits_ > 0;
  next_byte_ = bit / 8;
}

void SegmentRange::Share(uint64_t offset, uint8_t bits) {
  const std::lock_guard lock(file_.mutex_);
  file_.shared_.push_back({offset, bits});
}

template <class Entry>
size_t SegmentRange::Pack(std::span<const Entry> entries) {
  const SegmentLayout layout = layout_;
  const auto rest_mask = (Bits{1} << layout.key_width) - 1;
  const int location_width = layout.file_width + layout.row_width;
  BitPacker packer{bytes_.get() + size_, pending_, pending_bits_};
  const std::byte* const end = bytes_.get() + kBytesMax - kRoom;
  size_t next_bucket = next_bucket_, count = 0;
  for (const Entry& entry : entries) {
    if (count > 0 && packer.out > end) break;
    const auto number = layout.NumberOf(entry.key());
    for (const size_t bucket = layout.BucketOf(number); next_bucket <= bucket; ++next_bucket) offsets_.push_back(static_cast<uint32_t>(entry_ + count));
    const uint64_t location = static_cast<uint64_t>(entry.at.file) << layout.row_width | entry.at.row;
    if (layout.entry_width <= BitPacker::kWidthMax) {
      packer.Put((number & rest_mask) << location_width | location, layout.entry_width);
    } else {
      packer.Put(location, location_width);
      packer.Put(number & rest_mask, layout.key_width);
    }
    ++count;
  }
  size_ = static_cast<size_t>(packer.out - bytes_.get());
  pending_ = packer.pending;
  pending_bits_ = packer.pending_bits;
  next_bucket_ = next_bucket;
  entry_ += count;
  return count;
}

template size_t SegmentRange::Pack(std::span<const NarrowEntry>);
template size_t SegmentRange::Pack(std::span<const WideEntry>);

Status SegmentRange::WriteOut() {
  Bytes bytes(bytes_.get(), size_);
  if (shares_first_ && !bytes.empty()) {
    Share(next_byte_++, std::to_integer<uint8_t>(bytes.front()));
    bytes = bytes.subspan(1);
    shares_first_ = false;
  }
  RETURN_IF_ERROR(file_.file_.WriteAt(layout_.entries_begin + next_byte_, bytes));
  RETURN_IF_ERROR(file_.file_.WriteAt(next_offset_ * sizeof(uint32_t), std::as_bytes(std::span(offsets_))));
  next_byte_ += bytes.size();
  next_offset_ += offsets_.size();
  size_ = 0;
  offsets_.clear();
  return Ok();
}

Status SegmentRange::Finish() {
  SLUICE_CHECK(next_bucket_ <= bucket_end_);
  for (; next_bucket_ < bucket_end_; ++next_bucket_) offsets_.push_back(static_cast<uint32_t>(entry_));
  RETURN_IF_ERROR(WriteOut());
  if (pending_bits_ > 0) Share(next_byte_, pending_);
  const std::lock_guard lock(file_.mutex_);
  file_.entries_ += entry_ - first_entry_;
  return Ok();
}

}  // namespace sluice
