#include "config/partition.h"

#include <charconv>

namespace sluice {
namespace {

constexpr int kWidthMax = 1 << 20;  // More buckets than that would be a file per row.

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<PartitionFieldConfig> ParsePartitionField(std::string_view text) {
  text = Trimmed(text);
  PartitionFieldConfig field;
  const size_t open = text.find('(');
  if (open == std::string_view::npos) {
    if (text.empty()) return std::nullopt;
    field.column = text;
    return field;
  }
  if (text.back() != ')') return std::nullopt;
  field.transform = Trimmed(text.substr(0, open));
  std::string_view argument = Trimmed(text.substr(open + 1, text.size() - open - 2));
  if (field.transform == "bucket" || field.transform == "truncate") {
    const size_t comma = argument.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const std::string_view width = Trimmed(argument.substr(0, comma));
    const auto [end, error] = std::from_chars(width.data(), width.data() + width.size(), field.width);
    if (error != std::errc() || end != width.data() + width.size() || field.width < 1 || field.width > kWidthMax)
      return std::nullopt;
    argument = Trimmed(argument.substr(comma + 1));
  } else if (field.transform != "identity" && field.transform != "year" && field.transform != "month" &&
             field.transform != "day" && field.transform != "hour") {
    return std::nullopt;
  }
  if (argument.empty()) return std::nullopt;
  field.column = argument;
  return field;
}

}  // namespace sluice
