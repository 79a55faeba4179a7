// One pgoutput message. Rows, truncates and logical messages that are accepted read back to the very bytes.

#include <string>

#include "change/tuple.h"
#include "fuzz_input.h"
#include "memory_limit.h"
#include "source/postgres/pgoutput_messages.h"
#include "source/postgres/relation_facts.h"

namespace sluice::fuzz {
namespace {

using namespace sluice::pgoutput;  // NOLINT(google-build-using-namespace)

void WalkTuple(Bytes tuple) {
  TupleReader reader(tuple.data());
  size_t size = 2;
  for (size_t i = 0; i < reader.columns(); ++i) {
    const Value value = reader.Next();
    const bool has_bytes = value.kind == ValueKind::kText || value.kind == ValueKind::kBinary;
    FUZZ_CHECK(value.bytes.empty() || (value.bytes.data() >= tuple.data() && value.bytes.data() + value.bytes.size() <= tuple.data() + tuple.size()));
    size += 1 + (has_bytes ? 4 + value.bytes.size() : 0);
  }
  FUZZ_CHECK(size == tuple.size());
}

class Rewriter {
 public:
  Rewriter(Bytes message, bool in_stream_block) : message_(message), in_stream_block_(in_stream_block) {}

  void operator()(const RowChange& row) {
    if (!row.old_tuple.empty()) WalkTuple(row.old_tuple);
    if (!row.new_tuple.empty()) WalkTuple(row.new_tuple);
    Start(row.operation == Operation::kInsert ? 'I' : row.operation == Operation::kUpdate ? 'U' : 'D', row.xid);
    AppendBigEndian(text_, row.relation);
    if (row.old_kind != OldTuple::kNone) text_ += row.old_kind == OldTuple::kKey ? 'K' : 'O';
    text_ += AsText(row.old_tuple);
    if (!row.new_tuple.empty()) text_ += 'N';
    text_ += AsText(row.new_tuple);
    FUZZ_CHECK(text_ == AsText(message_));
  }
  void operator()(const Truncate& truncate) {
    FUZZ_CHECK(truncate.relations.size() % sizeof(Oid) == 0);
    Start('T', truncate.xid);
    AppendBigEndian(text_, static_cast<uint32_t>(truncate.relations.size() / sizeof(Oid)));
    text_ += static_cast<char>(message_[text_.size()]);  // Bits that no version has are ignored.
    text_ += AsText(truncate.relations);
    FUZZ_CHECK(text_ == AsText(message_));
  }
  void operator()(const LogicalMessage& logical) {
    Start('M', logical.xid);
    text_ += static_cast<char>(message_[text_.size()]);
    AppendBigEndian(text_, logical.lsn.value);
    text_.append(logical.prefix).push_back('\0');
    AppendBigEndian(text_, static_cast<uint32_t>(logical.content.size()));
    text_ += AsText(logical.content);
    FUZZ_CHECK(text_ == AsText(message_));
  }
  void operator()(const Relation& relation) {
    const RelationFacts facts = FactsOf(relation);
    FUZZ_CHECK(facts.columns.size() == relation.column_count);
    FUZZ_CHECK(facts.name.name == relation.name);
  }
  void operator()(const Commit& commit) { FUZZ_CHECK(commit.commit_time >= FromPostgresTime(INT64_MIN)); }
  void operator()(const Begin& begin) { FUZZ_CHECK(FromPostgresTime(ToPostgresTime(begin.commit_time)) == begin.commit_time); }
  template <class Other>
  void operator()(const Other&) {}

 private:
  void Start(char kind, uint32_t xid) {
    text_ = kind;
    if (in_stream_block_) AppendBigEndian(text_, xid);
  }

  const Bytes message_;
  const bool in_stream_block_;
  std::string text_;
};

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  const bool in_stream_block = (input.Byte() & 1) != 0;
  const fuzz::MemoryLimit limit(size, 64);
  const auto message = pgoutput::Decode(input.rest(), in_stream_block);
  if (message.ok()) std::visit(fuzz::Rewriter(input.rest(), in_stream_block), *message);
  else FUZZ_CHECK(message.error().kind == ErrorKind::kCorrupt);
  return 0;
}
