#include "pipeline/table_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "pipeline/bisection.h"

namespace sluice {
namespace {

Error Stopped() { return Error{ErrorKind::kCancelled, "verification stopped on request"}; }

/// One read of the source feeds what every sink expects.
class Expectations final : public RowReceiver {
 public:
  explicit Expectations(const std::stop_token& stop) : stop_(stop) {}

  Status Add(SinkView& view, const TableDefinition& table) {
    ASSIGN_OR_RETURN(auto receiver, view.Expect(table));
    receivers_.push_back(std::move(receiver));
    return Ok();
  }
  Status Rows(Bytes rows, size_t count) override {
    if (stop_.stop_requested()) return Stopped();
    for (const auto& receiver : receivers_) RETURN_IF_ERROR(receiver->Rows(rows, count));
    return Ok();
  }
  TableDigest digest(size_t index) const { return receivers_[index]->digest(); }

 private:
  const std::stop_token stop_;
  std::vector<std::unique_ptr<DigestReceiver>> receivers_;
};

bool IsCopied(const SinkCut& cut, const TableDefinition& table) {
  const auto copied = cut.copied.find(table.schema->name);
  return copied != cut.copied.end() && copied->second.oid == table.schema->oid;
}

// What `sluice status` says of the table there; empty: it is not held.
std::string WhyHeld(const SinkCut& cut, const TableDefinition& table) {
  const auto held = cut.held.find(table.schema->name);
  if (held == cut.held.end() || (held->second.oid != 0 && held->second.oid != table.schema->oid)) return {};
  return fmt::format("SLU-{}: {}", held->second.code, held->second.reason);
}

// The larger of what statistics and size say: too many buckets cost little, too few another pass.
uint64_t EstimateRows(const TableDefinition& table) {
  constexpr uint64_t kRowBytes = 200;
  double rows = 0;
  for (const Leaf& leaf : table.leaves) rows += std::max(leaf.estimated_rows, static_cast<double>(leaf.size_bytes / kRowBytes));
  return static_cast<uint64_t>(rows);
}

/// The comparison of one table, sink by sink.
class TableCompare {
 public:
  TableCompare(const TableDefinition& table, SourceRows& source, std::vector<SinkCut>& sinks, const CompareOptions& options,
               const std::stop_token& stop)
      : table_(table), source_(source), options_(options), stop_(stop) {
    for (SinkCut& cut : sinks) {
      TableComparison& comparison = comparisons_.emplace_back();
      comparison.table = ToString(table.schema->name);
      comparison.sink = cut.sink;
      for (const Column& column : table.schema->columns) comparison.columns.push_back(column.name);
      views_.push_back(IsCopied(cut, table) ? cut.view.get() : nullptr);
      comparison.append_only = table.schema->append_only();
      if (views_.back() != nullptr) continue;
      comparison.result = Comparison::kNotCopied;
      comparison.reason = WhyHeld(cut, table);
    }
  }

  Result<std::vector<TableComparison>> Run() {
    RETURN_IF_ERROR(AskForForms());
    for (size_t i = 0; i < views_.size(); ++i) RETURN_IF_ERROR(CompareSums(i));
    RETURN_IF_ERROR(CompareAllRows());
    return std::move(comparisons_);
  }

 private:
  struct FirstSums {
    RowForm form;
    BucketSums sums;
  };

  Status AskForForms() {
    for (size_t i = 0; i < views_.size(); ++i) {
      if (views_[i] == nullptr) continue;
      ASSIGN_OR_RETURN(comparisons_[i].form, views_[i]->Form(table_));
      if (options_.all_rows) comparisons_[i].form.unfit = "asked for";
      LeaveToAllRows(i, comparisons_[i].form.unfit);
    }
    return Ok();
  }

  void LeaveToAllRows(size_t i, const std::string& reason) {
    if (reason.empty()) return;
    comparisons_[i].reason = reason;
    all_rows_.push_back(i);
  }

  bool left_to_all_rows(size_t i) const { return std::find(all_rows_.begin(), all_rows_.end(), i) != all_rows_.end(); }

  /// The first pass over the source is shared by sinks that hold the same text.
  Result<const BucketSums*> FirstOfSource(const RowForm& form, const Buckets& buckets) {
    for (const FirstSums& known : first_)
      if (known.form == form) return &known.sums;
    BucketSums sums;
    RETURN_IF_ERROR(source_.Sum(table_, form, buckets, stop_, sums));
    first_.reserve(views_.size());  // What was returned stays where it is.
    first_.push_back({form, std::move(sums)});
    return &first_.back().sums;
  }

  // What only this table or this sink refuses is no reason to end the comparison of others.
  static bool IsRefusal(const Error& error) { return error.kind == ErrorKind::kNeedsOperator; }
  static std::string ReasonOf(const Error& error) { return error.message + (error.evidence.empty() ? "" : ": " + error.evidence); }

  Status CompareSums(size_t i) {
    if (views_[i] == nullptr || left_to_all_rows(i)) return Ok();
    TableComparison& comparison = comparisons_[i];
    Bisection bisection(EstimateRows(table_));
    const auto first = FirstOfSource(comparison.form, *bisection.next());
    if (!first.ok()) {
      if (!IsRefusal(first.error())) return first.error();
      LeaveToAllRows(i, ReasonOf(first.error()));
      return Ok();
    }
    Status divided = Divide(i, **first, bisection);
    if (divided.ok() && options_.locate) divided = Locate(i, bisection);
    if (!divided.ok()) {
      if (!IsRefusal(divided.error())) return divided;
      LeaveToAllRows(i, ReasonOf(divided.error()));
      return Ok();
    }
    comparison.result = bisection.different() ? Comparison::kDifferent : Comparison::kEqual;
    comparison.rows_source = bisection.rows_source();
    comparison.rows_sink = bisection.rows_sink();
    comparison.passes = bisection.passes();
    comparison.buckets = bisection.buckets();
    comparison.buckets_different = bisection.buckets_different();
    comparison.located = !bisection.different() || (options_.locate && bisection.complete() && comparison.located);
    return Ok();
  }

  Status Divide(size_t i, const BucketSums& first, Bisection& bisection) {
    while (bisection.next()) {
      const Buckets buckets = *bisection.next();
      BucketSums source, sink;
      if (bisection.passes() > 0) RETURN_IF_ERROR(source_.Sum(table_, comparisons_[i].form, buckets, stop_, source));
      RETURN_IF_ERROR(views_[i]->Sum(table_, comparisons_[i].form, buckets, stop_, sink));
      bisection.Take(bisection.passes() > 0 ? source : first, sink);
      if (!options_.locate) return Ok();
    }
    return Ok();
  }

  Status Locate(size_t i, const Bisection& bisection) {
    TableComparison& comparison = comparisons_[i];
    const size_t rows_max = BisectionLimits().rows_fetched_max;
    for (const Buckets& buckets : bisection.to_fetch()) {
      std::vector<FetchedRow> source, sink;
      RETURN_IF_ERROR(source_.Fetch(table_, comparison.form, buckets, rows_max, stop_, source));
      RETURN_IF_ERROR(views_[i]->Fetch(table_, comparison.form, buckets, rows_max, stop_, sink));
      comparison.rows_travelled += source.size() + sink.size();
      if (source.size() > rows_max || sink.size() > rows_max) {
        comparison.located = false;  // Halves of two sides would look like differences.
        continue;
      }
      std::vector<DifferentRow> rows = CompareRows(comparison.form, std::move(source), std::move(sink));
      std::move(rows.begin(), rows.end(), std::back_inserter(comparison.rows));
    }
    return Ok();
  }

  Status CompareAllRows() {
    if (all_rows_.empty()) return Ok();
    Expectations expected(stop_);
    for (const size_t i : all_rows_) RETURN_IF_ERROR(expected.Add(*views_[i], table_));
    RETURN_IF_ERROR(source_.Read(table_, expected, stop_));
    for (size_t at = 0; at < all_rows_.size(); ++at) {
      if (stop_.stop_requested()) return Stopped();
      TableComparison& comparison = comparisons_[all_rows_[at]];
      const TableDigest wanted = expected.digest(at);
      comparison.rows_source = wanted.rows;
      const Result<TableDigest> found = views_[all_rows_[at]]->Digest(table_);
      if (!found.ok()) {
        if (!IsRefusal(found.error())) return found.error();
        comparison.result = Comparison::kNotCompared;
        comparison.reason = ReasonOf(found.error());
        continue;
      }
      comparison.rows_sink = found->rows;
      comparison.rows_travelled = wanted.rows + found->rows;
      comparison.passes = 1;
      comparison.result = wanted == *found ? Comparison::kEqual : Comparison::kDifferent;
      comparison.located = wanted == *found;
    }
    return Ok();
  }

  const TableDefinition& table_;
  SourceRows& source_;
  const CompareOptions options_;
  const std::stop_token stop_;
  std::vector<TableComparison> comparisons_;
  std::vector<SinkView*> views_;  // Null where the table was not copied.
  std::vector<FirstSums> first_;
  std::vector<size_t> all_rows_;
};

}  // namespace

Result<std::vector<TableComparison>> CompareTable(const TableDefinition& table, SourceRows& source, std::vector<SinkCut>& sinks,
                                                  const CompareOptions& options, const std::stop_token& stop) {
  return TableCompare(table, source, sinks, options, stop).Run();
}

}  // namespace sluice
