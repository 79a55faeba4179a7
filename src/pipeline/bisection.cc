#include "pipeline/bisection.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace sluice {
namespace {

// Bits that divide `rows` so that parts are expected to stay well below `part_max`.
unsigned BitsFor(uint64_t rows, uint64_t part_max) {
  const uint64_t parts = rows / std::max<uint64_t>(part_max / 2, 1);
  return parts == 0 ? 0 : static_cast<unsigned>(std::bit_width(parts));
}

}  // namespace

Bisection::Bisection(uint64_t rows_estimated, const BisectionLimits& limits) : limits_(limits) {
  next_.emplace();
  next_->bits = std::min(limits_.first_bits_max, BitsFor(rows_estimated, limits_.rows_per_bucket));
  buckets_ = uint64_t{1} << next_->bits;
}

std::vector<Bisection::Suspect> Bisection::Suspects(const BucketSums& source, const BucketSums& sink) {
  std::vector<Suspect> suspects;
  auto left = source.begin();
  auto right = sink.begin();
  while (left != source.end() || right != sink.end()) {
    const uint64_t bucket = right == sink.end() || (left != source.end() && left->first < right->first) ? left->first : right->first;
    const BucketSum a = left != source.end() && left->first == bucket ? (left++)->second : BucketSum{};
    const BucketSum b = right != sink.end() && right->first == bucket ? (right++)->second : BucketSum{};
    if (passes_ == 0) {
      rows_source_ += a.rows;
      rows_sink_ += b.rows;
    }
    if (!(a == b)) suspects.push_back({bucket, std::max(a.rows, b.rows), a.rows + b.rows});
  }
  return suspects;
}

void Bisection::Take(const BucketSums& source, const BucketSums& sink) {
  SLUICE_CHECK(next_.has_value());
  const unsigned bits = next_->bits;
  const std::vector<Suspect> suspects = Suspects(source, sink);
  if (passes_++ == 0) {
    different_ = !suspects.empty();
    buckets_different_ = suspects.size();
  }
  next_.reset();
  Buckets fetch;
  fetch.within_bits = bits;
  std::vector<Suspect> large;
  for (const Suspect& suspect : suspects) {
    if (suspect.rows_max > limits_.rows_per_bucket && bits < limits_.bits_max) {
      large.push_back(suspect);
      continue;
    }
    // Equal rows that can't be divided travel once, whatever their number.
    const uint64_t rows = std::min(suspect.rows_both, 2 * limits_.rows_per_bucket);
    if (rows_to_fetch_ + rows > limits_.rows_fetched_max) {
      complete_ = false;
      break;
    }
    rows_to_fetch_ += rows;
    fetch.within.push_back(suspect.bucket);
  }
  if (!fetch.within.empty()) to_fetch_.push_back(std::move(fetch));
  if (!large.empty() && rows_to_fetch_ < limits_.rows_fetched_max) Divide(large, bits);
  if (!large.empty() && !next_) complete_ = false;
}

void Bisection::Divide(const std::vector<Suspect>& large, unsigned bits) {
  uint64_t rows_max = 0;
  for (const Suspect& suspect : large) rows_max = std::max(rows_max, suspect.rows_max);
  const unsigned added = std::max(1u, std::min({BitsFor(rows_max, limits_.rows_per_bucket), limits_.first_bits_max, limits_.bits_max - bits}));
  next_.emplace();
  next_->bits = bits + added;
  next_->within_bits = bits;
  // Where much differs, a few of the buckets hold more rows than may travel.
  const size_t room = std::max<size_t>(1, limits_.buckets_max >> added);
  for (const Suspect& suspect : large) {
    if (next_->within.size() == room) {
      complete_ = false;
      break;
    }
    next_->within.push_back(suspect.bucket);
  }
}

}  // namespace sluice
