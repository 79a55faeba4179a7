// A whole stream of pgoutput messages, through the assembler under two sets of limits: what comes out may be cut
// differently, but is the same changes of the same transactions, whatever was kept in memory, cut or spilled.

#include <optional>
#include <string>
#include <vector>

#include "change/tuple.h"
#include "fact_schemas.h"
#include "fuzz_input.h"
#include "memory_limit.h"
#include "source/postgres/transaction_assembler.h"

namespace sluice::fuzz {
namespace {

constexpr size_t kMessagesMax = 400;

struct Outcome {
  std::string changes;          ///< Of whole transactions, in order.
  std::optional<size_t> failed;  ///< The message that was refused.
  Lsn end_lsn;
};

class Recorder {
 public:
  void Add(const ChangeBatch& batch) {
    size_t expected_first = 0;
    for (const Transaction& transaction : batch.transactions) {
      FUZZ_CHECK(transaction.first_change == expected_first);
      FUZZ_CHECK(transaction.change_count <= batch.changes.size() - transaction.first_change);
      FUZZ_CHECK(transaction.ends_here || batch.transactions.size() == 1);
      expected_first += transaction.change_count;
      if (open_.empty()) open_ = "transaction " + std::to_string(transaction.xid) + " at " + std::to_string(transaction.commit_lsn.value) + "\n";
      for (size_t i = 0; i < transaction.change_count; ++i) AddChange(batch, batch.changes[transaction.first_change + i]);
      if (transaction.ends_here) outcome.changes += std::exchange(open_, "");
    }
    FUZZ_CHECK(expected_first == batch.changes.size());
    FUZZ_CHECK(batch.ends_transaction() || batch.end_lsn == Lsn{});
    if (!batch.end_lsn.valid()) return;
    FUZZ_CHECK(batch.end_lsn >= outcome.end_lsn);
    outcome.end_lsn = batch.end_lsn;
  }

  Outcome outcome;

 private:
  void AddChange(const ChangeBatch& batch, const Change& change) {
    FUZZ_CHECK(change.table < batch.tables.size());
    const TableSchema& schema = *batch.tables[change.table];
    open_ += std::to_string(static_cast<int>(change.operation)) + " " + std::to_string(schema.oid) + " " + ToString(schema.name) + " ";
    if (change.old_kind != OldTuple::kNone) AddTuple(batch, change.old_offset, schema);
    if (change.operation == Operation::kInsert || change.operation == Operation::kUpdate) AddTuple(batch, change.new_offset, schema);
    open_ += "\n";
  }
  void AddTuple(const ChangeBatch& batch, size_t offset, const TableSchema& schema) {
    FUZZ_CHECK(offset <= batch.bytes.size());
    const Bytes rest = Bytes(batch.bytes).subspan(offset);
    const size_t size = MeasureTuple(rest, schema.columns.size());
    FUZZ_CHECK(size > 0);
    open_ += AsText(rest.first(size));
  }

  std::string open_;
};

Outcome Run(Input input, const AssemblerLimits& limits) {
  FactsResolver resolver;
  TransactionAssembler assembler(resolver, "/tmp", limits);
  Recorder recorder;
  const auto take_while = [&](auto due) {
    while (due()) {
      const auto batch = assembler.TakeBatch();
      FUZZ_CHECK(batch.ok());
      FUZZ_CHECK(*batch != nullptr);
      recorder.Add(**batch);
    }
  };
  for (size_t i = 0; i < kMessagesMax && !input.at_end(); ++i) {
    take_while([&] { return assembler.must_take(); });
    const Bytes message = input.Piece();
    const Status added = assembler.Add(message);
    if (!added.ok()) {
      FUZZ_CHECK(added.error().kind == ErrorKind::kCorrupt);
      recorder.outcome.failed = i;
      break;
    }
    FUZZ_CHECK(assembler.streamed_memory_bytes() <= limits.spill_after_bytes);
  }
  take_while([&] { return assembler.must_take() || assembler.has_transactions() || assembler.has_progress(); });
  return recorder.outcome;
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  const size_t tightness = input.Choice(4);
  const fuzz::MemoryLimit limit(size, 2'000);
  const fuzz::Outcome wide = fuzz::Run(input, AssemblerLimits{});
  const AssemblerLimits tight{.batch_bytes_target = 64u << tightness, .batch_changes_target = 1 + tightness,
                              .part_bytes_max = 48u << tightness, .spill_after_bytes = 64u << tightness};
  const fuzz::Outcome cut = fuzz::Run(input, tight);
  FUZZ_CHECK(wide.failed == cut.failed);
  FUZZ_CHECK(wide.changes == cut.changes);
  // What was cut may have left before progress behind it was known.
  FUZZ_CHECK(cut.end_lsn <= wide.end_lsn);
  return 0;
}
