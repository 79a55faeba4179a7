#include "sim_process.h"

#include <fmt/format.h>

#include "coverage.h"
#include "pipeline/verify.h"
#include "sim_sink.h"
#include "sim_source.h"

namespace sluice::simulator {

SimProcess::SimProcess(World& world, uint64_t number, const PipelineOptions& options, std::vector<CommitPolicy> policies)
    : world_(world), life_(std::make_shared<Life>(Life{number, true})), options_(options), policies_(std::move(policies)), board_("simulator", "source", {}, clock_) {
  connector_.open_source = [this] { return SimSource::Connect(world_, life_); };
  connector_.open_sinks = [this](const LogIdentity&) -> Result<std::vector<AttachedSink>> {
    std::vector<AttachedSink> attached;
    for (size_t i = 0; i < world_.destinations.size(); ++i) {
      ASSIGN_OR_RETURN(std::unique_ptr<Sink> sink, SimSink::Open(world_, life_, *world_.destinations[i]));
      attached.push_back({std::move(sink), policies_[i]});
    }
    return attached;
  };
  thread_ = std::thread([this] {
    world_.scheduler.NameSelf(fmt::format("process {}", life_->number));
    status_ = Supervisor(board_).Run([this](std::stop_token stop) { return RunOnce(std::move(stop)); }, stop_.get_token());
    Trace("process {} ends: {}", life_->number, status_.ok() ? "well" : fmt::format("{} (code {})", status_.error().message, status_.error().code));
    ended_ = true;
  });
}

SimProcess::~SimProcess() {
  Die();
  thread_.join();
  for (std::thread& verification : verifications_) verification.join();
}

void SimProcess::Die() {
  life_->alive = false;
  stop_.request_stop();
}

RunOutcome SimProcess::RunOnce(std::stop_token stop) {
  Pipeline pipeline(connector_, options_, clock_, board_, cuts_, requests_);
  const Result<PipelineEnd> ended = pipeline.Run(std::move(stop));
  Trace("pipeline ends: {}", ended.ok() ? (*ended == PipelineEnd::kAgain ? "again" : "done") : ended.error().message);
  if (!ended.ok()) return {ended.error(), pipeline.made_progress(), false};
  return {Ok(), pipeline.made_progress(), *ended == PipelineEnd::kAgain};
}

void SimProcess::VerifyBeside() {
  verifications_.emplace_back([this] {
    world_.scheduler.NameSelf("verify");
    const Result<VerifyReport> report = Verify(connector_.open_source, cuts_, {}, nullptr, stop_.get_token());
    if (!report.ok()) {
      Trace("verify: {}", report.error().message);
      return Count(Event::kVerifyFailed);
    }
    for (const TableComparison& table : report->tables)
      if (table.result == Comparison::kDifferent) Fail(fmt::format("verify finds {} different in {}", table.table, table.sink));
    Count(Event::kVerify);
  });
}

}  // namespace sluice::simulator
