#include "config/did_you_mean.h"

#include <algorithm>
#include <vector>

namespace sluice {
namespace {
constexpr size_t kEditsMax = 2;
constexpr size_t kWordMax = 64;  // Nobody means a longer word; bounds the work too.
}  // namespace

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::optional<std::string> DidYouMean(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > kWordMax) return std::nullopt;
  std::optional<std::string> best;
  // Two edits turn any word of two letters into any other.
  size_t best_edits = std::min(kEditsMax + 1, std::max<size_t>(word.size() / 2 + 1, 2));
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kWordMax) continue;
    const size_t edits = EditDistance(word, candidate);
    if (edits < best_edits) best_edits = edits, best = candidate;
  }
  return best;
}

}  // namespace sluice
