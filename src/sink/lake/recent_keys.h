#pragma once
// The part of a key index that changes: open addressing with linear probing, in parts that grow one by one, so that
// growing never copies the whole. An entry takes 16 bytes for narrow keys and 24 for wide ones, at a load between
// 0.64 and 0.8. A key may occur several times.

#include <array>
#include <vector>

#include "sink/lake/index_entry.h"

namespace sluice {

template <class Entry>
class RecentKeys {
 public:
  void Insert(const IndexKey& key, RowLocation at);
  /// Calls visit(RowLocation&) for entries of the key until it returns true; whether one did.
  template <class Visit>
  bool Search(const IndexKey& key, Visit visit) {
    return parts_[PartOf(key)].Search(key, visit) != nullptr;
  }
  template <class Visit>
  bool Erase(const IndexKey& key, Visit visit);
  /// Calls visit(entry) for all, in no order.
  template <class Visit>
  void ForEach(Visit visit) const {
    for (const Part& part : parts_)
      for (const Entry& entry : part.entries)
        if (entry.at.file != kNoFile) visit(entry);
  }

  size_t size() const { return size_; }
  size_t size_bytes() const;

 private:
  struct Part {
    void Insert(const Entry& entry);
    template <class Visit>
    Entry* Search(const IndexKey& key, Visit visit);
    void Erase(Entry* entry);
    void Grow();
    void Put(const Entry& entry);
    // By the lower half of the key's upper word, spread over a capacity that is no power of two.
    size_t Home(uint64_t high) const { return static_cast<size_t>((high & 0xFFFFFFFF) * entries.size() >> 32); }
    size_t Next(size_t i) const { return i + 1 == entries.size() ? 0 : i + 1; }

    std::vector<Entry> entries;
    size_t count = 0;
  };
  static constexpr int kPartBits = 4;
  static size_t PartOf(const IndexKey& key) { return static_cast<size_t>(key.high >> (64 - kPartBits)); }

  std::array<Part, 1 << kPartBits> parts_;
  size_t size_ = 0;
};

template <class Entry>
template <class Visit>
Entry* RecentKeys<Entry>::Part::Search(const IndexKey& key, Visit visit) {
  if (entries.empty()) return nullptr;
  for (size_t i = Home(key.high); entries[i].at.file != kNoFile; i = Next(i)) {
    if (entries[i].key() == key && visit(entries[i].at)) return &entries[i];
  }
  return nullptr;
}

template <class Entry>
template <class Visit>
bool RecentKeys<Entry>::Erase(const IndexKey& key, Visit visit) {
  Part& part = parts_[PartOf(key)];
  Entry* const entry = part.Search(key, visit);
  if (entry == nullptr) return false;
  part.Erase(entry);
  --size_;
  return true;
}

extern template class RecentKeys<NarrowEntry>;
extern template class RecentKeys<WideEntry>;

}  // namespace sluice
