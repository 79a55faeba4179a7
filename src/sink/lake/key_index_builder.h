#pragma once

#include <memory>
#include <span>
#include <string>

#include "sink/lake/key_index.h"

namespace sluice {

/// Makes a segment of any number of keys in bounded memory: they are divided by their upper bits into parts, which lie in
/// a file until each is sorted by itself.
class KeyIndexBuilder {
 public:
  /// `rows_expected`: only how fast it is depends on it. `folder`: as IndexFile's.
  static std::unique_ptr<KeyIndexBuilder> Make(bool narrow, const std::string& folder, uint64_t rows_expected);
  virtual ~KeyIndexBuilder() = default;

  /// Takes keys from one thread. Error: kUnavailable, kNeedsOperator (4121), as of Finish.
  class Lane {
   public:
    virtual ~Lane() = default;
    /// Keys of successive rows of a file. `skipped`: rows among them that are left out, ascending, counted from `first`.
    virtual Status Add(std::span<const RowKey> keys, RowLocation first, std::span<const uint32_t> skipped) = 0;
  };
  /// Lives as long as the builder. Not thread-safe, only the lanes are among themselves.
  virtual Lane& OpenLane() = 0;

  /// Adds all keys to the index. The builder is of no use afterwards.
  virtual Status Finish(KeyIndex& index) = 0;
};

}  // namespace sluice
