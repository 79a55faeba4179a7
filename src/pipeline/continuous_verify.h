#pragma once
// Compares table after table while the stream runs, so slowly that the source does not feel it.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "config/config.h"
#include "pipeline/status_board.h"
#include "pipeline/verify.h"

namespace sluice {

/// Which table is due, by when each was compared last. Pure.
class ComparisonTurns {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  ComparisonTurns(std::chrono::milliseconds every, SteadyTime now) : every_(every), started_(now) {}

  /// The one that has waited longest; nullptr: none is due. Forgets tables that are not among these.
  const TableDefinition* Next(const std::vector<TableDefinition>& tables, SteadyTime now);

  /// When the next of those it knows is due; nullopt: it knows none.
  std::optional<SteadyTime> next_due() const;

  /// `soon`: it is due again before its time, because it differs or could not be compared.
  void Done(const TableDefinition& table, SteadyTime now, bool soon);

 private:
  const std::chrono::milliseconds every_;
  const SteadyTime started_;
  std::map<TableName, SteadyTime> due_;
};

class ContinuousVerify {
 public:
  /// Starts a thread. All that is given must outlive it. Nothing is done where `config.every` is 0.
  ContinuousVerify(const VerifyConfig& config, OpenSource open_source, CutRequests& cuts, StatusBoard& board);
  ~ContinuousVerify() = default;  // Stops and waits.
  ContinuousVerify(const ContinuousVerify&) = delete;
  ContinuousVerify& operator=(const ContinuousVerify&) = delete;

 private:
  void Run(const std::stop_token& stop);
  enum class Outcome { kWell, kOpen };
  Status CompareDue(ComparisonTurns& turns, const std::stop_token& stop);
  Result<Outcome> CompareOne(Source& source, const TableDefinition& table, const std::stop_token& stop);
  bool TooLarge(const TableDefinition& table) const;

  const VerifyConfig config_;
  const OpenSource open_source_;
  CutRequests& cuts_;
  StatusBoard& board_;
  std::jthread thread_;  // Last: ends before what it uses goes.
};

/// Writes down what was compared, and says aloud what differs.
void Tell(StatusBoard& board, const VerifyReport& report);

}  // namespace sluice
