#pragma once

#include <span>
#include <vector>

#include "sink/lake/key_segment.h"

namespace sluice {

/// Appends the entries of all segments that are not erased and those of `sorted`, in order. Error: as SegmentRange.
Status MergeInto(SegmentRange& range, std::span<const WideEntry> sorted, const std::vector<KeySegment*>& segments);

}  // namespace sluice
