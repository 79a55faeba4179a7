#include "sink/lake/recent_keys.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr size_t kFirstCapacity = 16;

}  // namespace

template <class Entry>
void RecentKeys<Entry>::Insert(const IndexKey& key, RowLocation at) {
  parts_[PartOf(key)].Insert(Entry::Of(key, at));
  ++size_;
}

template <class Entry>
size_t RecentKeys<Entry>::size_bytes() const {
  size_t bytes = sizeof *this;
  for (const Part& part : parts_) bytes += part.entries.size() * sizeof(Entry);
  return bytes;
}

template <class Entry>
void RecentKeys<Entry>::Part::Put(const Entry& entry) {
  size_t i = Home(entry.high);
  while (entries[i].at.file != kNoFile) i = Next(i);
  entries[i] = entry;
}

template <class Entry>
void RecentKeys<Entry>::Part::Insert(const Entry& entry) {
  if ((count + 1) * 5 > entries.size() * 4) Grow();
  Put(entry);
  ++count;
}

template <class Entry>
void RecentKeys<Entry>::Part::Grow() {
  std::vector<Entry> old(std::max(kFirstCapacity, entries.size() + entries.size() / 4), Entry::Of({}, {kNoFile, 0}));
  old.swap(entries);
  for (const Entry& entry : old) {
    if (entry.at.file != kNoFile) Put(entry);
  }
}

// Moves later entries of the run back, so that no tombstones are needed.
template <class Entry>
void RecentKeys<Entry>::Part::Erase(Entry* entry) {
  const auto distance = [&](size_t from, size_t to) { return to >= from ? to - from : to + entries.size() - from; };
  auto hole = static_cast<size_t>(entry - entries.data());
  for (size_t i = Next(hole); entries[i].at.file != kNoFile; i = Next(i)) {
    // Stays if its home lies cyclically behind the hole.
    if (distance(Home(entries[i].high), i) < distance(hole, i)) continue;
    entries[hole] = entries[i];
    hole = i;
  }
  entries[hole].at.file = kNoFile;
  --count;
}

template class RecentKeys<NarrowEntry>;
template class RecentKeys<WideEntry>;

}  // namespace sluice
