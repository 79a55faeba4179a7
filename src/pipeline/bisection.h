#pragma once
// Which buckets of a table to sum up next so that the rows that differ are found: pure, decided by sums alone.

#include <cstdint>
#include <optional>
#include <vector>

#include "change/stored_rows.h"

namespace sluice {

struct BisectionLimits {
  uint64_t rows_per_bucket = 1000;   ///< A bucket with more rows is divided before its rows travel.
  uint64_t rows_fetched_max = 40'000;///< From both sides together.
  unsigned first_bits_max = 14;      ///< The first pass costs a server a group per bucket.
  unsigned bits_max = 40;            ///< Rows still together then are equal, or as good as.
  size_t buckets_max = 1 << 16;      ///< Of a later pass.
};

class Bisection {
 public:
  explicit Bisection(uint64_t rows_estimated, const BisectionLimits& limits = {});

  /// What both sides have to sum up next; nullopt: all is known that sums can tell.
  const std::optional<Buckets>& next() const { return next_; }
  /// Both sides' answer to next().
  void Take(const BucketSums& source, const BucketSums& sink);

  bool different() const { return different_; }
  /// Buckets whose rows have to be compared one by one, by `within` alone; one entry for each width.
  const std::vector<Buckets>& to_fetch() const { return to_fetch_; }
  /// False: more rows differ than may travel, and to_fetch() names only some of them.
  bool complete() const { return complete_; }

  uint64_t rows_source() const { return rows_source_; }
  uint64_t rows_sink() const { return rows_sink_; }
  unsigned passes() const { return passes_; }
  uint64_t buckets() const { return buckets_; }                      ///< Of the first pass.
  uint64_t buckets_different() const { return buckets_different_; }  ///< Of the first pass.

 private:
  struct Suspect {
    uint64_t bucket;
    uint64_t rows_max;    ///< Of the side that has more.
    uint64_t rows_both;
  };
  std::vector<Suspect> Suspects(const BucketSums& source, const BucketSums& sink);
  void Divide(const std::vector<Suspect>& large, unsigned bits);

  const BisectionLimits limits_;
  std::optional<Buckets> next_;
  std::vector<Buckets> to_fetch_;
  uint64_t rows_to_fetch_ = 0;
  bool different_ = false, complete_ = true;
  uint64_t rows_source_ = 0, rows_sink_ = 0, buckets_ = 0, buckets_different_ = 0;
  unsigned passes_ = 0;
};

}  // namespace sluice
