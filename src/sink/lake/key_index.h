#pragma once
// Where each row lies: key → (file, row). A cache that can always be built again from the live files.
//
// Keys that came lately are in memory; all others are in immutable segments in mapped files, of which each has at least four times
// as many entries as the next smaller one, so that there are few. What is erased from a segment is a bit in memory until
// the segment is merged; an entry that moves is erased and comes anew. A key may occur several times.

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "sink/lake/key_codec.h"
#include "sink/lake/key_index_space.h"
#include "sink/lake/key_segment.h"
#include "sink/lake/recent_keys.h"

namespace sluice {

class KeyIndex {
 public:
  /// `narrow`: keys use only RowKey::low. All of it stays in memory.
  explicit KeyIndex(bool narrow) : KeyIndex(narrow, nullptr) {}
  /// `space` must outlive the index.
  KeyIndex(bool narrow, KeyIndexSpace& space) : KeyIndex(narrow, &space) {}
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;
  ~KeyIndex();

  void Insert(const RowKey& key, RowLocation at) { Insert(IndexKeyOf(key, narrow_), at); }
  void Insert(const IndexKey& key, RowLocation at);
  /// The first in order of location, where several rows have the key.
  std::optional<RowLocation> Find(const RowKey& key) const;
  /// Exactly that entry; false if there is none.
  bool Erase(const RowKey& key, RowLocation at);
  /// Changes where exactly that entry points; false if there is none.
  bool Move(const RowKey& key, RowLocation from, RowLocation to);
  size_t Count(const RowKey& key) const;

  /// Puts what memory may not hold into a file, but for rows of kOpenFile, which are about to move. To be called whenever
  /// many entries have come. Error: kUnavailable, kNeedsOperator (4121); the index is as it was then.
  Status Settle();
  /// Takes what a bulk build made.
  void Add(std::unique_ptr<KeySegment> segment);

  void Clear();
  size_t size() const;
  /// Of memory and files.
  size_t size_bytes() const;
  size_t memory_bytes() const;
  size_t segments() const { return segments_.size(); }

 private:
  KeyIndex(bool narrow, KeyIndexSpace* space);
  Status Merge(std::vector<WideEntry> recent, const std::vector<KeySegment*>& merged, uint64_t entries);
  void Account();

  const bool narrow_;
  KeyIndexSpace* const space_;
  std::variant<RecentKeys<NarrowEntry>, RecentKeys<WideEntry>> recent_;
  std::vector<std::unique_ptr<KeySegment>> segments_;
  size_t accounted_bytes_ = 0;
};

}  // namespace sluice
