#include "sink/replica/net_effect.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "change/tuple.h"

namespace sluice {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kArenaBlockBytes = 64 << 10;
// A map grown for one huge transaction is given back, lest every later commit clears it.
constexpr size_t kSlotsKept = 1 << 16;

const std::byte* SkipValue(const std::byte* at) {
  const auto kind = static_cast<ValueKind>(*at++);
  if (kind == ValueKind::kNull || kind == ValueKind::kUnchanged) return at;
  return at + 4 + static_cast<size_t>(LoadBigEndian<int32_t>(at));
}

}  // namespace

std::byte* TupleArena::Allocate(size_t size) {
  if (size > room_) {
    if (size > kArenaBlockBytes) {
      blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
      return blocks_.back().get();  // Alone in its block; the current one goes on.
    }
    blocks_.push_back(spare_ ? std::move(spare_)
                             : std::make_unique_for_overwrite<std::byte[]>(kArenaBlockBytes));
    at_ = blocks_.back().get();
    room_ = kArenaBlockBytes;
  }
  std::byte* const piece = at_;
  at_ += size;
  room_ -= size;
  return piece;
}

void TupleArena::Clear() {
  if (room_ > 0 && blocks_.size() == 1) spare_ = std::move(blocks_.front());
  blocks_.clear();
  at_ = nullptr;
  room_ = 0;
}

bool HasUnchanged(const std::byte* tuple) {
  TupleReader reader(tuple);
  for (size_t i = 0; i < reader.columns(); ++i)
    if (reader.Next().kind == ValueKind::kUnchanged) return true;
  return false;
}

NetEffect::NetEffect(const TableSchema& schema) : columns_(schema.columns.size()), key_(schema.key) {
  SLUICE_CHECK(!key_.empty());
  std::sort(key_.begin(), key_.end());
}

void NetEffect::Clear() {
  rows_.clear();
  if (slots_.size() > kSlotsKept) {
    slots_.clear();
    slots_.shrink_to_fit();
  } else if (slots_used_ > 0) {
    std::fill(slots_.begin(), slots_.end(), Slot{});
  }
  slots_used_ = 0;
  arena_.Clear();
  truncated_ = false;
  keys_collide_ = false;
}

void NetEffect::Truncate() {
  Clear();
  truncated_ = true;
}

// The key columns' values with kinds and lengths. In place where they are neighbours, else gathered.
Bytes NetEffect::KeyOf(const std::byte* tuple) {
  const std::byte* at = tuple + 2;
  size_t column = 0;
  for (; column < key_.front(); ++column) at = SkipValue(at);
  const std::byte* const begin = at;
  const bool neighbours = key_.back() - key_.front() + 1 == key_.size();
  if (neighbours) {
    for (size_t i = 0; i < key_.size(); ++i) at = SkipValue(at);
    return {begin, at};
  }
  size_t size = 0;
  const auto each = [&](auto&& use) {
    const std::byte* value = begin;
    size_t index = key_.front();
    for (const size_t wanted : key_) {
      for (; index < wanted; ++index) value = SkipValue(value);
      const std::byte* const end = SkipValue(value);
      use(Bytes(value, end));
      value = end;
      ++index;
    }
  };
  each([&](Bytes value) { size += value.size(); });
  std::byte* const gathered = arena_.Allocate(size);
  std::byte* to = gathered;
  each([&](Bytes value) {
    std::memcpy(to, value.data(), value.size());
    to += value.size();
  });
  return {gathered, size};
}

void NetEffect::Grow() {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(std::max<size_t>(64, old.size() * 2), Slot{});
  for (const Slot& slot : old) {
    if (slot.key == nullptr) continue;
    size_t at = slot.hash & (slots_.size() - 1);
    while (slots_[at].key != nullptr) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
}

NetEffect::Slot& NetEffect::Find(Bytes key) {
  if (slots_used_ * 2 >= slots_.size()) Grow();
  const uint64_t hash = XXH3_64bits(key.data(), key.size());
  size_t at = hash & (slots_.size() - 1);
  for (;; at = (at + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[at];
    if (slot.key == nullptr) {
      slot = Slot{hash, key.data(), static_cast<uint32_t>(key.size()), kNone, false};
      ++slots_used_;
      return slot;
    }
    if (slot.hash == hash && slot.size == key.size() && std::memcmp(slot.key, key.data(), key.size()) == 0)
      return slot;
  }
}

bool NetEffect::SameValues(const std::byte* a, const std::byte* b) const {
  TupleReader left(a);
  TupleReader right(b);
  for (size_t i = 0; i < columns_; ++i) {
    const Value x = left.Next();
    const Value y = right.Next();
    if (x.kind == ValueKind::kUnchanged || y.kind == ValueKind::kUnchanged) continue;
    if (x.kind != y.kind || x.bytes.size() != y.bytes.size()) return false;
    if (!x.bytes.empty() && std::memcmp(x.bytes.data(), y.bytes.data(), x.bytes.size()) != 0) return false;
  }
  return true;
}

void NetEffect::Unlink(Slot& slot, uint32_t row) {
  uint32_t* link = &slot.first_row;
  while (*link != row) link = &rows_[*link].next_at_key;
  *link = rows_[row].next_at_key;
  rows_[row].next_at_key = kNone;
}

// Finds the row that a change speaks of and takes it off its key. With a deferrable key two rows can share a
// key for a while; the source then sends whole old rows, which tell them apart.
uint32_t NetEffect::Take(Bytes key, const RowChange& change, bool& corrupt) {
  Slot& slot = Find(key);
  for (uint32_t row = slot.first_row; row != kNone; row = rows_[row].next_at_key) {
    if (change.old_kind == OldTuple::kFull && !SameValues(rows_[row].tuple, change.old_tuple)) continue;
    Unlink(slot, row);
    return row;
  }
  // A row that an earlier change had put or removed here cannot come from the server again.
  corrupt = slot.origin_taken || truncated_;
  if (corrupt) return kNone;
  slot.origin_taken = true;
  NetRow row;
  row.existed = true;
  row.old_key = change.old_kind == OldTuple::kNone ? change.new_tuple : change.old_tuple;
  rows_.push_back(row);
  return static_cast<uint32_t>(rows_.size() - 1);
}

void NetEffect::Put(Bytes key, uint32_t row) {
  Slot& slot = Find(key);
  rows_[row].next_at_key = slot.first_row;
  slot.first_row = row;
}

// `newest` with its unchanged values taken from `earlier`, where that has them.
const std::byte* NetEffect::Merge(const std::byte* newest, const std::byte* earlier, bool only_key) {
  const auto each = [&](auto&& use) {
    const std::byte* a = newest + 2;
    const std::byte* b = earlier + 2;
    for (size_t i = 0; i < columns_; ++i) {
      const std::byte* const a_end = SkipValue(a);
      const std::byte* const b_end = SkipValue(b);
      const bool take = static_cast<ValueKind>(*a) == ValueKind::kUnchanged &&
                        (!only_key || std::binary_search(key_.begin(), key_.end(), i));
      use(take ? Bytes(b, b_end) : Bytes(a, a_end));
      a = a_end;
      b = b_end;
    }
  };
  size_t size = 2;
  each([&](Bytes value) { size += value.size(); });
  std::byte* const merged = arena_.Allocate(size);
  std::memcpy(merged, newest, 2);
  std::byte* to = merged + 2;
  each([&](Bytes value) {
    std::memcpy(to, value.data(), value.size());
    to += value.size();
  });
  return merged;
}

void NetEffect::SetTuple(NetRow& row, const RowChange& change) {
  const std::byte* tuple = change.new_tuple;
  row.has_unchanged = HasUnchanged(tuple);
  const auto merge = [&](const std::byte* earlier, bool only_key) {
    tuple = Merge(tuple, earlier, only_key);
    row.has_unchanged = HasUnchanged(tuple);
  };
  if (row.has_unchanged && row.tuple != nullptr) merge(row.tuple, false);
  // A key value may itself be TOASTed; the old tuple then carries it.
  if (row.has_unchanged && change.old_kind != OldTuple::kNone)
    merge(change.old_tuple, change.old_kind == OldTuple::kKey);
  row.tuple = tuple;
}

Status NetEffect::Add(const RowChange& change) {
  const Error contradiction{ErrorKind::kCorrupt, "a change contradicts an earlier one of the same row"};
  bool corrupt = false;
  switch (change.operation) {
    case Operation::kInsert: {
      // A key that is taken is not refused: with a deferrable key it may be free again at the end.
      if (HasUnchanged(change.new_tuple)) return contradiction;
      NetRow row;
      row.alive = true;
      row.tuple = change.new_tuple;
      rows_.push_back(row);
      Put(KeyOf(change.new_tuple), static_cast<uint32_t>(rows_.size() - 1));
      return Ok();
    }
    case Operation::kUpdate: {
      const uint32_t row =
          Take(KeyOf(change.old_kind == OldTuple::kNone ? change.new_tuple : change.old_tuple), change, corrupt);
      if (corrupt) return contradiction;
      SetTuple(rows_[row], change);
      rows_[row].alive = true;
      Put(KeyOf(rows_[row].tuple), row);
      return Ok();
    }
    case Operation::kDelete: {
      if (change.old_kind == OldTuple::kNone) return contradiction;
      const uint32_t row = Take(KeyOf(change.old_tuple), change, corrupt);
      if (corrupt) return contradiction;
      rows_[row].alive = false;
      rows_[row].has_unchanged = false;
      rows_[row].tuple = nullptr;
      return Ok();
    }
    case Operation::kTruncate:
      Truncate();
      return Ok();
  }
  return contradiction;
}

void NetEffect::Finish() {
  keys_collide_ = false;
  for (NetRow& row : rows_) {
    if (!row.existed || !row.alive) continue;
    const Bytes now = KeyOf(row.tuple);
    const Bytes then = KeyOf(row.old_key);
    row.key_changed = now.size() != then.size() || std::memcmp(now.data(), then.data(), now.size()) != 0;
    if (row.key_changed && Find(now).origin_taken) keys_collide_ = true;
  }
}

}  // namespace sluice
