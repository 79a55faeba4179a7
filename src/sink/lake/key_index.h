#pragma once
// Where each row lies: key → (file, row). A cache that can always be built again from the live files.
//
// Open addressing with linear probing, in 256 parts that grow one by one, so that growing never copies the
// whole. An entry takes 16 bytes for keys of eight bytes and 24 for hashes, at a load between 0.64 and 0.8. A key
// may occur several times.

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "sink/lake/key_codec.h"

namespace sluice {

struct RowLocation {
  uint32_t file = 0;
  uint32_t row = 0;

  auto operator<=>(const RowLocation&) const = default;
};

/// Means rows that are not in a file yet; orders after all files.
inline constexpr uint32_t kOpenFile = 0xFFFFFFFE;
inline constexpr uint32_t kNoFile = 0xFFFFFFFF;

namespace internal {

struct NarrowEntry {
  uint64_t key;
  RowLocation at{kNoFile, 0};
};
struct WideEntry {
  uint64_t low;
  uint64_t high;
  RowLocation at{kNoFile, 0};
};

template <class Entry>
class Part {
 public:
  void Insert(const RowKey& key, uint64_t hash, RowLocation at);
  size_t Capacity() const { return entries_.size(); }
  /// Calls visit(entry) for entries of the key until it returns true; then returns the entry, else nullptr.
  template <class Visit>
  Entry* Search(const RowKey& key, uint64_t hash, Visit visit);
  void Erase(Entry* entry);
  size_t count = 0;

 private:
  void Grow();
  void Put(const Entry& entry, uint64_t hash);
  size_t Home(uint64_t hash) const;
  size_t Next(size_t i) const { return i + 1 == entries_.size() ? 0 : i + 1; }
  std::vector<Entry> entries_;
};

}  // namespace internal

class KeyIndex {
 public:
  /// `narrow`: keys use only RowKey::low.
  explicit KeyIndex(bool narrow);

  void Insert(const RowKey& key, RowLocation at);
  /// The first in order of location, where several rows have the key.
  std::optional<RowLocation> Find(const RowKey& key) const;
  /// Exactly that entry; false if there is none.
  bool Erase(const RowKey& key, RowLocation at);
  /// Changes where exactly that entry points; false if there is none.
  bool Move(const RowKey& key, RowLocation from, RowLocation to);
  size_t Count(const RowKey& key) const;

  void Clear();
  size_t size() const;
  size_t size_bytes() const;

 private:
  static constexpr size_t kParts = 256;
  template <class Entry>
  using Parts = std::array<internal::Part<Entry>, kParts>;
  using NarrowEntry = internal::NarrowEntry;
  using WideEntry = internal::WideEntry;

  template <class Visit>
  bool Search(const RowKey& key, bool erase, Visit visit);

  std::variant<Parts<NarrowEntry>, Parts<WideEntry>> parts_;
  size_t size_ = 0;
};

}  // namespace sluice
