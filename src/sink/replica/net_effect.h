#pragma once
// What a run of changes leaves of one table, per row: pure, no I/O.
//
// Rows are followed, not keys: an update that changes the key moves its row, so 1→2, 2→3, 3→1 ends as three
// rows under new keys. Keys are compared by their wire bytes. Where SQL calls two different byte strings equal
// (numeric 1.0 and 1.00, citext), the source reports the step from one to the other as a key change, and whoever
// executes the effect deletes before it inserts; so byte comparison is enough.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "change/change_batch.h"
#include "change/table_schema.h"

namespace sluice {

/// One change with its tuples, which lie in a batch that outlives the effect.
struct RowChange {
  Operation operation = Operation::kInsert;
  OldTuple old_kind = OldTuple::kNone;
  const std::byte* old_tuple = nullptr;
  const std::byte* new_tuple = nullptr;
};

/// Memory that only grows until it is cleared; blocks stay for the next use up to a limit.
class TupleArena {
 public:
  std::byte* Allocate(size_t size);
  void Clear();

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* at_ = nullptr;
  size_t room_ = 0;
  std::unique_ptr<std::byte[]> spare_;
};

/// One row's fate. `existed` and not `alive`: delete. Not `existed` but `alive`: insert. Both: update.
struct NetRow {
  const std::byte* old_key = nullptr;  ///< A tuple whose key columns say under which key it was found; if `existed`.
  const std::byte* tuple = nullptr;    ///< Its newest version; values may be unchanged only if `existed`.
  bool existed = false;
  bool alive = false;
  bool key_changed = false;            ///< Alive and existed, under another key.
  bool has_unchanged = false;          ///< `tuple` has at least one value that was never sent.
  uint32_t next_at_key = UINT32_MAX;   ///< For the builder: another row under the same key.
};

/// Collects the changes of one table with a key, in order. Cheap to reuse: Clear() keeps the memory.
class NetEffect {
 public:
  explicit NetEffect(const TableSchema& schema);

  /// Error: kCorrupt if the change contradicts an earlier one (a row deleted twice, …) or has no key.
  Status Add(const RowChange& change);

  /// Everything before it is void, the rows on the server too.
  void Truncate();

  /// Call once after the last Add. Marks key changes.
  void Finish();

  bool truncated() const { return truncated_; }
  std::span<const NetRow> rows() const { return rows_; }
  /// After Finish: some row's new key is the old key of another row, so single statements would collide.
  bool keys_collide() const { return keys_collide_; }

  void Clear();

 private:
  struct Slot {
    uint64_t hash = 0;
    const std::byte* key = nullptr;  ///< nullptr: free.
    uint32_t size = 0;
    uint32_t first_row = UINT32_MAX; ///< Alive rows under this key.
    bool origin_taken = false;       ///< The row that the server has under this key is among the rows.
  };

  Bytes KeyOf(const std::byte* tuple);
  Slot& Find(Bytes key);
  void Grow();
  uint32_t Take(Bytes key, const RowChange& change, bool& corrupt);
  void Unlink(Slot& slot, uint32_t row);
  void Put(Bytes key, uint32_t row);
  bool SameValues(const std::byte* a, const std::byte* b) const;
  void SetTuple(NetRow& row, const RowChange& change);
  const std::byte* Merge(const std::byte* newest, const std::byte* earlier, bool only_key);

  const size_t columns_;
  std::vector<size_t> key_;      ///< Ascending.
  std::vector<NetRow> rows_;
  std::vector<Slot> slots_;      ///< Open addressing, a power of two.
  size_t slots_used_ = 0;
  TupleArena arena_;
  bool truncated_ = false;
  bool keys_collide_ = false;
};

/// True if some value of the tuple is marked unchanged.
bool HasUnchanged(const std::byte* tuple);

}  // namespace sluice
