#include "sink/lake/key_index.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr size_t kFirstCapacity = 16;

// splitmix64: a bijection, so that two keys of eight bytes never meet in one hash.
uint64_t Mix(uint64_t value) {
  value ^= value >> 30;
  value *= 0xBF58476D1CE4E5B9ull;
  value ^= value >> 27;
  value *= 0x94D049BB133111EBull;
  return value ^ value >> 31;
}

template <class Entry>
bool Equal(const Entry& entry, const RowKey& key) {
  if constexpr (requires { entry.high; }) return entry.low == key.low && entry.high == key.high;
  else return entry.key == key.low;
}

template <class Entry>
uint64_t HashOfEntry(const Entry& entry) {
  if constexpr (requires { entry.high; }) return Mix(entry.low);
  else return Mix(entry.key);
}

template <class Entry>
Entry MakeEntry(const RowKey& key, RowLocation at) {
  if constexpr (requires { Entry::high; }) return Entry{key.low, key.high, at};
  else return Entry{key.low, at};
}

// The part is chosen by the upper bits, the place in it by the lower ones.
size_t PartOf(uint64_t hash) { return hash >> 56; }

}  // namespace

namespace internal {

template <class Entry>
size_t Part<Entry>::Home(uint64_t hash) const {
  // The lower half of the hash, spread over a capacity that is no power of two.
  return static_cast<size_t>((hash & 0xFFFFFFFF) * entries_.size() >> 32);
}

template <class Entry>
void Part<Entry>::Put(const Entry& entry, uint64_t hash) {
  size_t i = Home(hash);
  while (entries_[i].at.file != kNoFile) i = Next(i);
  entries_[i] = entry;
}

template <class Entry>
void Part<Entry>::Insert(const RowKey& key, uint64_t hash, RowLocation at) {
  if ((count + 1) * 5 > entries_.size() * 4) Grow();
  Put(MakeEntry<Entry>(key, at), hash);
  ++count;
}

template <class Entry>
void Part<Entry>::Grow() {
  std::vector<Entry> old(std::max(kFirstCapacity, entries_.size() + entries_.size() / 4));
  old.swap(entries_);
  for (const Entry& entry : old) {
    if (entry.at.file != kNoFile) Put(entry, HashOfEntry(entry));
  }
}

template <class Entry>
template <class Visit>
Entry* Part<Entry>::Search(const RowKey& key, uint64_t hash, Visit visit) {
  if (entries_.empty()) return nullptr;
  for (size_t i = Home(hash); entries_[i].at.file != kNoFile; i = Next(i)) {
    if (Equal(entries_[i], key) && visit(entries_[i].at)) return &entries_[i];
  }
  return nullptr;
}

// Moves later entries of the run back, so that no tombstones are needed.
template <class Entry>
void Part<Entry>::Erase(Entry* entry) {
  const auto distance = [&](size_t from, size_t to) { return to >= from ? to - from : to + entries_.size() - from; };
  auto hole = static_cast<size_t>(entry - entries_.data());
  for (size_t i = Next(hole); entries_[i].at.file != kNoFile; i = Next(i)) {
    // Stays if its home lies cyclically behind the hole.
    if (distance(Home(HashOfEntry(entries_[i])), i) < distance(hole, i)) continue;
    entries_[hole] = entries_[i];
    hole = i;
  }
  entries_[hole].at.file = kNoFile;
  --count;
}

}  // namespace internal

KeyIndex::KeyIndex(bool narrow) {
  if (!narrow) parts_.emplace<1>();
}

template <class Visit>
bool KeyIndex::Search(const RowKey& key, bool erase, Visit visit) {
  const uint64_t hash = Mix(key.low);
  return std::visit(
      [&](auto& parts) {
        auto& part = parts[PartOf(hash)];
        auto* entry = part.Search(key, hash, visit);
        if (entry != nullptr && erase) part.Erase(entry);
        return entry != nullptr;
      },
      parts_);
}

void KeyIndex::Insert(const RowKey& key, RowLocation at) {
  const uint64_t hash = Mix(key.low);
  std::visit([&](auto& parts) { parts[PartOf(hash)].Insert(key, hash, at); }, parts_);
  ++size_;
}

std::optional<RowLocation> KeyIndex::Find(const RowKey& key) const {
  std::optional<RowLocation> first;
  // Looking changes nothing: the visitor never asks for a change.
  const_cast<KeyIndex*>(this)->Search(key, false, [&](const RowLocation& at) {
    if (!first || at < *first) first = at;
    return false;
  });
  return first;
}

bool KeyIndex::Erase(const RowKey& key, RowLocation at) {
  const bool found = Search(key, true, [&](const RowLocation& it) { return it == at; });
  if (found) --size_;
  return found;
}

bool KeyIndex::Move(const RowKey& key, RowLocation from, RowLocation to) {
  return Search(key, false, [&](RowLocation& it) {
    if (it != from) return false;
    it = to;
    return true;
  });
}

size_t KeyIndex::Count(const RowKey& key) const {
  size_t count = 0;
  const_cast<KeyIndex*>(this)->Search(key, false, [&](const RowLocation&) { return ++count, false; });
  return count;
}

void KeyIndex::Clear() {
  std::visit([](auto& parts) { parts = {}; }, parts_);
  size_ = 0;
}

size_t KeyIndex::size() const { return size_; }

size_t KeyIndex::size_bytes() const {
  const size_t entry_bytes = parts_.index() == 0 ? sizeof(NarrowEntry) : sizeof(WideEntry);
  return std::visit(
      [&](const auto& parts) {
        size_t bytes = sizeof parts;
        for (const auto& part : parts) bytes += part.Capacity() * entry_bytes;
        return bytes;
      },
      parts_);
}

}  // namespace sluice
