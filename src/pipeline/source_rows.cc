#include "pipeline/source_rows.h"

#include "base/pause.h"

namespace sluice {
namespace {

Error Stopped() { return Error{ErrorKind::kCancelled, "verification stopped on request"}; }

}  // namespace

Status SourceRows::Hold(const std::vector<TableDefinition>& tables) {
  for (const TableDefinition& table : tables) {
    for (size_t leaf = 0; leaf < table.leaves.size(); ++leaf) {
      if (!reader_) {
        ASSIGN_OR_RETURN(reader_, copy_.Open());
      }
      if (!reader_->Hold(table, leaf).ok()) reader_.reset();  // The comparison will say why.
    }
  }
  return Ok();
}

Status SourceRows::Choose(std::vector<CopyRange> ranges) {
  ranges_ = std::move(ranges);
  if (!reader_) {
    ASSIGN_OR_RETURN(reader_, copy_.Open());
  }
  return Ok();
}

template <class Visit>
Status SourceRows::ForEachRange(const std::stop_token& stop, const Visit& visit) {
  for (const CopyRange& range : ranges_) {
    if (stop.stop_requested()) return Stopped();
    const auto started = std::chrono::steady_clock::now();
    if (!reader_) {
      ASSIGN_OR_RETURN(reader_, copy_.Open());
    }
    Status visited = visit(*reader_, range);
    if (!visited.ok()) {
      reader_.reset();
      return visited;
    }
    if (bytes_per_second_ == 0) continue;
    const std::chrono::duration<double> due(static_cast<double>(range.size_bytes) / static_cast<double>(bytes_per_second_));
    Pause(std::chrono::duration_cast<std::chrono::steady_clock::duration>(due) - (std::chrono::steady_clock::now() - started), stop);
  }
  return Ok();
}

Status SourceRows::Sum(const TableDefinition& table, const RowForm& form, const Buckets& buckets, std::stop_token stop, BucketSums& sums) {
  return ForEachRange(stop, [&](InitialCopy::Reader& reader, const CopyRange& range) {
    return reader.Sum(table, range, form, buckets, stop, sums);
  });
}

Status SourceRows::Fetch(const TableDefinition& table, const RowForm& form, const Buckets& buckets, size_t rows_max, std::stop_token stop,
                         std::vector<FetchedRow>& rows) {
  const size_t enough = rows.size() + rows_max + 1;
  return ForEachRange(stop, [&](InitialCopy::Reader& reader, const CopyRange& range) -> Status {
    if (rows.size() >= enough) return Ok();
    return reader.Fetch(table, range, form, buckets, enough - rows.size() - 1, stop, rows);
  });
}

Status SourceRows::Read(const TableDefinition& table, RowReceiver& receiver, const std::stop_token& stop) {
  return ForEachRange(stop, [&](InitialCopy::Reader& reader, const CopyRange& range) { return reader.Read(table, range, receiver); });
}

}  // namespace sluice
