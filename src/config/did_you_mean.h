#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// Edits (insert, delete, replace, swap neighbours) between two words; Damerau-Levenshtein, optimal string alignment.
size_t EditDistance(std::string_view a, std::string_view b);

/// The nearest candidate at most two edits away, and nearer than a word of its length would be by chance.
std::optional<std::string> DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace sluice
