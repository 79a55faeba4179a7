#pragma once
// Rows summed up and picked where they lie, so that only those travel that differ.
//
// A row falls into a bucket by the hash of what identifies it: the low bits of ServerHash(text, kBucketSeed). A
// bucket's sum is the count of its rows and, in two lanes, the sum of the hashes of their texts (RowForm, RowText),
// whatever their order.

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/row_form.h"
#include "change/table_definition.h"

namespace sluice {

inline constexpr uint64_t kLaneSeeds[] = {1, 2};
inline constexpr uint64_t kBucketSeed = 3;

/// Which rows, and into how many parts.
struct Buckets {
  unsigned bits = 0;             ///< 2^bits buckets.
  unsigned within_bits = 0;      ///< Only rows whose lowest `within_bits` are one of `within`; 0: all rows.
  std::vector<uint64_t> within;  ///< Ascending.

  uint64_t Of(uint64_t hash) const { return hash & ((uint64_t{1} << bits) - 1); }
  bool Contains(uint64_t hash) const;
};

struct BucketSum {
  uint64_t rows = 0;
  __int128 lanes[2] = {0, 0};

  void Add(const BucketSum& other) {
    rows += other.rows;
    lanes[0] += other.lanes[0];
    lanes[1] += other.lanes[1];
  }
  bool operator==(const BucketSum&) const = default;
};

/// Only buckets that have rows.
using BucketSums = std::map<uint64_t, BucketSum>;

/// A row on its way to be compared with its counterpart.
struct FetchedRow {
  std::vector<std::optional<std::string>> columns;  ///< Of a table without identity only one: the row's whole text.
  uint64_t copies = 1;
};

/// What one server or lake shows of tables at one moment. Not thread-safe.
class StoredRows {
 public:
  virtual ~StoredRows() = default;

  /// Adds to `sums`. Error: kCancelled, or as reading fails; kNeedsOperator where this form of a row can't be made.
  virtual Status Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop,
                     BucketSums& sums) = 0;

  /// Appends the rows that `within` names; one more than `rows_max` at most, which then says that there are more.
  virtual Status Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max,
                       std::stop_token stop, std::vector<FetchedRow>& rows) = 0;
};

}  // namespace sluice
