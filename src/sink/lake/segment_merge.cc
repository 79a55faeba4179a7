#include "sink/lake/segment_merge.h"

namespace sluice {
namespace {

constexpr size_t kAtOnce = 1024;

bool Before(const IndexKey& key, RowLocation at, const IndexKey& other, RowLocation other_at) {
  return key != other ? key < other : at < other_at;
}

}  // namespace

Status MergeInto(SegmentRange& range, std::span<const WideEntry> sorted, const std::vector<KeySegment*>& segments) {
  std::vector<WideEntry> merged;
  const auto append = [&](const IndexKey& key, RowLocation at) -> Status {
    merged.push_back(WideEntry::Of(key, at));
    if (merged.size() < kAtOnce) return Ok();
    RETURN_IF_ERROR(range.Append(std::span<const WideEntry>(merged)));
    merged.clear();
    return Ok();
  };
  std::vector<KeySegment::Cursor> cursors;
  for (const KeySegment* segment : segments) {
    KeySegment::Cursor cursor(*segment);
    if (cursor.Next()) cursors.push_back(cursor);
  }
  while (!cursors.empty()) {
    size_t least = 0;
    for (size_t i = 1; i < cursors.size(); ++i) {
      if (Before(cursors[i].key(), cursors[i].at(), cursors[least].key(), cursors[least].at())) least = i;
    }
    KeySegment::Cursor& cursor = cursors[least];
    for (; !sorted.empty() && Before(sorted.front().key(), sorted.front().at, cursor.key(), cursor.at()); sorted = sorted.subspan(1))
      RETURN_IF_ERROR(append(sorted.front().key(), sorted.front().at));
    RETURN_IF_ERROR(append(cursor.key(), cursor.at()));
    if (!cursor.Next()) cursors.erase(cursors.begin() + static_cast<ptrdiff_t>(least));
  }
  RETURN_IF_ERROR(range.Append(std::span<const WideEntry>(merged)));
  return range.Append(sorted);
}

}  // namespace sluice
