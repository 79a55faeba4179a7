#include "pipeline/row_diff.h"

#include <algorithm>
#include <map>

#include "change/row_text.h"

namespace sluice {
namespace {

struct Sides {
  std::vector<FetchedRow> source, sink;
};

std::string IdentityOf(const RowForm& form, const FetchedRow& row) {
  if (form.identity.empty()) return row.columns.front().value_or("");
  RowText text;
  for (const size_t i : form.identity) text.Add(row.columns[i]);
  return std::string(text.Finish());
}

void RemoveEqual(Sides& sides) {
  std::erase_if(sides.source, [&](const FetchedRow& row) {
    const auto same = std::find_if(sides.sink.begin(), sides.sink.end(), [&](const FetchedRow& other) { return other.columns == row.columns; });
    if (same == sides.sink.end()) return false;
    sides.sink.erase(same);
    return true;
  });
}

DifferentRow Paired(FetchedRow source, FetchedRow sink) {
  DifferentRow row{RowDifference::kDifferent, 1, {}, std::move(source), std::move(sink)};
  for (size_t i = 0; i < row.source->columns.size(); ++i)
    if (row.source->columns[i] != row.sink->columns[i]) row.columns.push_back(i);
  return row;
}

void AppendKeyed(Sides& sides, std::vector<DifferentRow>& out) {
  RemoveEqual(sides);
  const size_t pairs = std::min(sides.source.size(), sides.sink.size());
  for (size_t i = 0; i < pairs; ++i) out.push_back(Paired(std::move(sides.source[i]), std::move(sides.sink[i])));
  for (size_t i = pairs; i < sides.source.size(); ++i) out.push_back({RowDifference::kMissing, 1, {}, std::move(sides.source[i]), {}});
  for (size_t i = pairs; i < sides.sink.size(); ++i) out.push_back({RowDifference::kExtra, 1, {}, {}, std::move(sides.sink[i])});
}

void AppendCounted(Sides& sides, std::vector<DifferentRow>& out) {
  uint64_t source = 0, sink = 0;
  for (const FetchedRow& row : sides.source) source += row.copies;
  for (const FetchedRow& row : sides.sink) sink += row.copies;
  if (source > sink) out.push_back({RowDifference::kMissing, source - sink, {}, std::move(sides.source.front()), {}});
  if (sink > source) out.push_back({RowDifference::kExtra, sink - source, {}, {}, std::move(sides.sink.front())});
}

}  // namespace

std::vector<DifferentRow> CompareRows(const RowForm& form, std::vector<FetchedRow> source, std::vector<FetchedRow> sink) {
  std::map<std::string, Sides> by_identity;
  for (FetchedRow& row : source) by_identity[IdentityOf(form, row)].source.push_back(std::move(row));
  for (FetchedRow& row : sink) by_identity[IdentityOf(form, row)].sink.push_back(std::move(row));
  std::vector<DifferentRow> different;
  for (auto& [identity, sides] : by_identity)
    if (form.identity.empty()) AppendCounted(sides, different); else AppendKeyed(sides, different);
  return different;
}

}  // namespace sluice
