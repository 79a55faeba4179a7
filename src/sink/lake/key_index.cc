#include "sink/lake/key_index.h"

#include <algorithm>

#include "sink/lake/segment_merge.h"

namespace sluice {
namespace {

// A segment is merged with what comes as long as it has at most so many times as many entries.
constexpr uint64_t kGrowth = 4;

}  // namespace

KeyIndex::KeyIndex(bool narrow, KeyIndexSpace* space) : narrow_(narrow), space_(space) {
  if (!narrow) recent_.emplace<1>();
  if (space_ != nullptr) space_->Join();
  Account();
}

KeyIndex::~KeyIndex() {
  if (space_ != nullptr) space_->Leave(accounted_bytes_);
}

void KeyIndex::Account() {
  if (space_ == nullptr) return;
  const size_t bytes = memory_bytes();
  space_->Resize(accounted_bytes_, bytes);
  accounted_bytes_ = bytes;
}

void KeyIndex::Insert(const IndexKey& key, RowLocation at) {
  std::visit([&](auto& recent) { recent.Insert(key, at); }, recent_);
}

std::optional<RowLocation> KeyIndex::Find(const RowKey& key) const {
  const IndexKey index_key = IndexKeyOf(key, narrow_);
  for (const auto& segment : segments_) segment->Prefetch(index_key);
  std::optional<RowLocation> first;
  const auto consider = [&](const RowLocation& at) {
    if (!first || at < *first) first = at;
    return false;
  };
  // Looking changes nothing: the visitor never asks for a change.
  std::visit([&](auto& recent) { recent.Search(index_key, consider); }, const_cast<KeyIndex*>(this)->recent_);
  for (const auto& segment : segments_) {
    if (const auto found = segment->Find(index_key)) consider(*found);
  }
  return first;
}

bool KeyIndex::Erase(const RowKey& key, RowLocation at) {
  const IndexKey index_key = IndexKeyOf(key, narrow_);
  const auto is_it = [&](const RowLocation& it) { return it == at; };
  if (std::visit([&](auto& recent) { return recent.Erase(index_key, is_it); }, recent_)) return true;
  return std::any_of(segments_.begin(), segments_.end(), [&](const auto& segment) { return segment->Erase(index_key, at); });
}

bool KeyIndex::Move(const RowKey& key, RowLocation from, RowLocation to) {
  const IndexKey index_key = IndexKeyOf(key, narrow_);
  const auto move = [&](RowLocation& it) {
    if (it != from) return false;
    it = to;
    return true;
  };
  if (std::visit([&](auto& recent) { return recent.Search(index_key, move); }, recent_)) return true;
  if (!Erase(key, from)) return false;
  Insert(index_key, to);
  return true;
}

size_t KeyIndex::Count(const RowKey& key) const {
  const IndexKey index_key = IndexKeyOf(key, narrow_);
  size_t count = 0;
  const auto visit = [&](const RowLocation&) { return ++count, false; };
  std::visit([&](auto& recent) { recent.Search(index_key, visit); }, const_cast<KeyIndex*>(this)->recent_);
  for (const auto& segment : segments_) count += segment->Count(index_key);
  return count;
}

Status KeyIndex::Settle() {
  if (space_ == nullptr) return Ok();
  Account();
  std::vector<WideEntry> recent;
  const size_t recent_bytes = std::visit([](const auto& keys) { return keys.size_bytes(); }, recent_);
  if (space_->IsTooMuch(recent_bytes)) {
    const auto collect = [&](const auto& entry) {
      if (entry.at.file != kOpenFile) recent.push_back(WideEntry::Of(entry.key(), entry.at));
    };
    std::visit([&](const auto& keys) { keys.ForEach(collect); }, recent_);
  }
  // The smaller ones first, as they may make a larger one worth merging.
  std::sort(segments_.begin(), segments_.end(), [](const auto& a, const auto& b) { return a->size() < b->size(); });
  uint64_t entries = recent.size();
  std::vector<KeySegment*> merged;
  for (const auto& segment : segments_) {
    const bool grows = !recent.empty() && segment->size() <= kGrowth * entries;
    if ((!grows && !segment->half_erased()) || entries + segment->size() > kSegmentEntriesMax) continue;
    merged.push_back(segment.get());
    entries += segment->size();
  }
  if (recent.empty() && merged.empty()) return Ok();
  const Status status = Merge(std::move(recent), merged, entries);
  Account();
  return status;
}

Status KeyIndex::Merge(std::vector<WideEntry> recent, const std::vector<KeySegment*>& merged, uint64_t entries) {
  SegmentShape shape{narrow_, entries, 0, 0};
  const auto widen = [&](uint32_t file, uint32_t row) {
    shape.file_max = std::max(shape.file_max, file);
    shape.row_max = std::max(shape.row_max, row);
  };
  for (const KeySegment* segment : merged) widen(segment->shape().file_max, segment->shape().row_max);
  for (const WideEntry& entry : recent) widen(entry.at.file, entry.at.row);
  std::sort(recent.begin(), recent.end());
  std::unique_ptr<KeySegment> result;
  if (entries > 0) {
    for (const KeySegment* segment : merged) segment->ExpectSequential(true);
    const auto write = [&]() -> Status {
      ASSIGN_OR_RETURN(const auto file, SegmentFile::Create(space_->folder(), shape));
      SegmentRange all(*file);
      RETURN_IF_ERROR(MergeInto(all, recent, merged));
      RETURN_IF_ERROR(all.Finish());
      ASSIGN_OR_RETURN(result, file->Finish());
      return Ok();
    };
    const Status written = write();
    for (const KeySegment* segment : merged) segment->ExpectSequential(false);
    RETURN_IF_ERROR(written);
  }
  std::erase_if(segments_, [&](const auto& segment) { return std::find(merged.begin(), merged.end(), segment.get()) != merged.end(); });
  if (result != nullptr) segments_.push_back(std::move(result));
  if (recent.empty()) return Ok();
  std::visit(
      [](auto& keys) {
        std::remove_reference_t<decltype(keys)> open;
        keys.ForEach([&](const auto& entry) {
          if (entry.at.file == kOpenFile) open.Insert(entry.key(), entry.at);
        });
        keys = std::move(open);
      },
      recent_);
  return Ok();
}

void KeyIndex::Add(std::unique_ptr<KeySegment> segment) {
  segments_.push_back(std::move(segment));
  Account();
}

void KeyIndex::Clear() {
  std::visit([](auto& recent) { recent = {}; }, recent_);
  segments_.clear();
  Account();
}

size_t KeyIndex::size() const {
  size_t size = std::visit([](const auto& recent) { return recent.size(); }, recent_);
  for (const auto& segment : segments_) size += segment->size();
  return size;
}

size_t KeyIndex::memory_bytes() const {
  size_t bytes = std::visit([](const auto& recent) { return recent.size_bytes(); }, recent_);
  for (const auto& segment : segments_) bytes += segment->memory_bytes();
  return bytes;
}

size_t KeyIndex::size_bytes() const {
  size_t bytes = memory_bytes();
  for (const auto& segment : segments_) bytes += segment->file_bytes();
  return bytes;
}

}  // namespace sluice
