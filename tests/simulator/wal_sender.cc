#include "wal_sender.h"

#include <algorithm>

#include "coverage.h"
#include "source/postgres/pgoutput_bytes.h"
#include "source/postgres/pgoutput_messages.h"

namespace sluice::simulator {
namespace {

constexpr Oid kInt8 = 20, kText = 25;

bool IsPublished(const Record& record) {
  if (record.kind == Record::Kind::kMessage) return true;
  if (record.kind == Record::Kind::kAltered) return false;
  return record.kind == Record::Kind::kTruncate ? !record.truncated.empty() : record.published;
}

std::string RelationMessage(const TableShape& shape, uint32_t xid) {
  std::string bytes = testing::Start('R', xid);
  AppendBigEndian(bytes, shape.oid);
  bytes += shape.name.name_space + '\0' + shape.name.name + '\0' + static_cast<char>(shape.identity);
  AppendBigEndian(bytes, static_cast<uint16_t>(shape.columns.size()));
  for (const ColumnShape& column : shape.columns) {
    bytes += column.attribute == 1 || shape.identity == ReplicaIdentity::kFull ? '\1' : '\0';
    bytes += column.name + '\0';
    AppendBigEndian(bytes, column.attribute == 1 ? kInt8 : kText);
    AppendBigEndian<int32_t>(bytes, -1);
  }
  return bytes;
}

}  // namespace

WalSender::WalSender(const FakeDatabase& database, const WalSenderOptions& options)
    : database_(database), options_(options), next_(database.FirstRecordFor(options.start)), sent_(options.start) {}

bool WalSender::Step(std::deque<std::string>& out) {
  if (next_ >= database_.log().size()) return false;
  const Record& record = database_.log()[next_];
  On(record, next_++, out);
  sent_ = std::max(sent_, record.end);
  return true;
}

void WalSender::On(const Record& record, size_t at, std::deque<std::string>& out) {
  switch (record.kind) {
    case Record::Kind::kOther: return;
    case Record::Kind::kCommit: return Commit(record, out);
    case Record::Kind::kAbort:
    case Record::Kind::kSubAbort: return Abort(record, out);
    case Record::Kind::kMessage:
      if (!record.transactional) {
        if (record.lsn >= options_.start)
          Emit(record.lsn, testing::LogicalMessageBytes(false, record.lsn.value, record.prefix, record.content), out);
        return;
      }
      break;
    case Record::Kind::kAltered:
      pending_[record.top].altered.insert(record.altered);
      break;
    case Record::Kind::kChange:
    case Record::Kind::kTruncate: break;
  }
  pending_[record.top].changes.push_back(at);
  ++in_memory_;
  // What may have committed before the start is not streamed: it would come twice.
  if (in_memory_ <= options_.changes_in_memory || record.lsn < options_.start) return;
  const auto largest = std::max_element(pending_.begin(), pending_.end(), [](const auto& a, const auto& b) { return a.second.changes.size() < b.second.changes.size(); });
  Stream(largest->first, largest->second, out);
}

void WalSender::Stream(uint32_t xid, Pending& pending, std::deque<std::string>& out) {
  if (pending.changes.empty()) return;
  Count(Event::kStreamBlock);
  const Lsn first = database_.log()[pending.changes.front()].lsn;
  Emit(first, testing::StreamStartMessage(xid, !pending.streamed), out);
  for (const size_t at : pending.changes) {
    const Record& record = database_.log()[at];
    pending.streamed_subs.insert(record.xid);
    Replay(record, /*in_block=*/true, out);
  }
  Emit(database_.log()[pending.changes.back()].lsn, testing::StreamStopMessage(), out);
  in_memory_ -= pending.changes.size();
  pending.changes.clear();
  pending.streamed = true;
  for (const Oid table : pending.altered) ForgetRelation(table);  // At the end of each block.
}

void WalSender::Commit(const Record& record, std::deque<std::string>& out) {
  const auto found = pending_.find(record.top);
  if (found == pending_.end()) return;
  Pending& pending = found->second;
  const int64_t time = pgoutput::ToPostgresTime(record.time);
  if (pending.streamed) {
    Stream(record.top, pending, out);
    Count(Event::kStreamCommit);
    Emit(record.end, testing::StreamCommitMessage(record.top, record.lsn.value, record.end.value, time), out);
    ForgetStreamed(record.top, true);
  } else if (record.lsn >= options_.start) {
    const bool empty = std::none_of(pending.changes.begin(), pending.changes.end(), [&](size_t at) { return IsPublished(database_.log()[at]); });
    if (empty) Count(Event::kEmptyTransaction);
    if (!empty || options_.major < 15) {
      Emit(database_.log()[pending.changes.empty() ? next_ - 1 : pending.changes.front()].lsn, testing::BeginMessage(record.top, record.lsn.value, time), out);
      for (const size_t at : pending.changes) Replay(database_.log()[at], /*in_block=*/false, out);
      Emit(record.end, testing::CommitMessage(record.lsn.value, record.end.value, time), out);
    }
  }
  // The server describes a table again once the change of its shape is committed, also to whom it has done so inside.
  for (const Oid table : pending.altered) ForgetRelation(table);
  in_memory_ -= pending.changes.size();
  pending_.erase(found);
}

void WalSender::Abort(const Record& record, std::deque<std::string>& out) {
  const auto found = pending_.find(record.top);
  if (found == pending_.end()) {
    // PostgreSQL 18 tells some aborts of transactions that it never streamed anything of.
    if (options_.major < 18 || record.kind != Record::Kind::kAbort || record.xid % 2 == 0 || record.lsn < options_.start) return;
    Count(Event::kStreamAbortUnknown);
    return Emit(record.lsn, testing::StreamAbortMessage(record.xid, record.xid), out);
  }
  Pending& pending = found->second;
  for (const uint32_t subxid : record.subxids) {
    in_memory_ -= std::erase_if(pending.changes, [&](size_t at) { return database_.log()[at].xid == subxid; });
    if (!pending.streamed_subs.contains(subxid)) continue;
    Count(Event::kStreamAbortSub);
    Emit(record.lsn, testing::StreamAbortMessage(record.top, subxid), out);
    ForgetStreamed(record.top, false);
  }
  if (record.kind == Record::Kind::kSubAbort) return;
  if (pending.streamed) {
    Count(Event::kStreamAbort);
    Emit(record.lsn, testing::StreamAbortMessage(record.top, record.top), out);
    ForgetStreamed(record.top, false);
    for (const Oid table : pending.altered) ForgetRelation(table);
  }
  in_memory_ -= pending.changes.size();
  pending_.erase(found);
}

void WalSender::ForgetStreamed(uint32_t xid, bool committed) {
  for (auto& [oid, relation] : relations_)
    if (relation.streamed_in.erase(xid) > 0 && committed) relation.sent = true;
}

void WalSender::ForgetRelation(Oid table) {
  if (const auto known = relations_.find(table); known != relations_.end()) known->second = {known->second.shape, false, {}};
}

void WalSender::Replay(const Record& record, bool in_block, std::deque<std::string>& out) {
  if (record.kind == Record::Kind::kAltered) return ForgetRelation(record.altered);
  if (IsPublished(record)) Send(record, in_block, out);
}

void WalSender::SendRelation(const TableShapePtr& shape, const Record& record, bool in_block, std::deque<std::string>& out) {
  SentRelation& relation = relations_[shape->oid];
  if (relation.shape != shape) {
    if (relation.shape) Count(Event::kRelationAgain);
    relation = {shape, false, {}};
  }
  if (in_block ? relation.streamed_in.contains(record.top) : relation.sent) return;
  if (in_block) relation.streamed_in.insert(record.top);
  else relation.sent = true;
  Emit({}, RelationMessage(*shape, in_block ? record.xid : 0), out);
}

void WalSender::Send(const Record& record, bool in_block, std::deque<std::string>& out) {
  const uint32_t xid = in_block ? record.xid : 0;
  if (record.kind == Record::Kind::kMessage)
    return Emit(record.lsn, testing::LogicalMessageBytes(true, record.lsn.value, record.prefix, record.content, in_block ? record.top : 0), out);
  if (record.kind == Record::Kind::kTruncate) {
    for (const TableShapePtr& table : record.truncated) SendRelation(table, record, in_block, out);
    std::string bytes = testing::Start('T', xid);
    AppendBigEndian(bytes, static_cast<uint32_t>(record.truncated.size()));
    bytes += '\0';
    for (const TableShapePtr& table : record.truncated) AppendBigEndian(bytes, table->oid);
    return Emit(record.lsn, std::move(bytes), out);
  }
  const TableShape& shape = *record.table;
  SendRelation(record.table, record, in_block, out);
  const bool full = shape.identity == ReplicaIdentity::kFull;
  if (full && record.operation != Operation::kInsert) Count(Event::kFullIdentity);
  std::string bytes;
  const auto start = [&](char kind) {
    bytes = testing::Start(kind, xid);
    AppendBigEndian(bytes, shape.oid);
  };
  const auto old_side = [&] { bytes += (full ? "O" : "K") + Tuple(shape, record.old_key, record.old_row, !full, nullptr); };
  switch (record.operation) {
    case Operation::kInsert: start('I'); break;
    case Operation::kDelete: start('D'); old_side(); break;
    case Operation::kUpdate:
      start('U');
      if (full || record.key != record.old_key) old_side();
      break;
    case Operation::kTruncate: break;
  }
  if (record.operation != Operation::kDelete) {
    if (!record.untouched.empty()) Count(Event::kToastUntouched);
    bytes += 'N' + Tuple(shape, record.key, record.row, false, &record.untouched);
  }
  Emit(record.lsn, std::move(bytes), out);
}

std::string WalSender::Tuple(const TableShape& shape, int64_t key, const Row& row, bool key_only, const std::set<int16_t>* untouched) const {
  std::string bytes;
  AppendBigEndian(bytes, static_cast<uint16_t>(shape.columns.size()));
  const auto value = [&](std::string_view text) {
    bytes += options_.binary ? 'b' : 't';
    AppendBigEndian(bytes, static_cast<uint32_t>(text.size()));
    bytes += text;
  };
  for (const ColumnShape& column : shape.columns) {
    if (column.attribute == 1) {
      std::string binary;
      AppendBigEndian(binary, key);
      value(options_.binary ? binary : std::to_string(key));
      continue;
    }
    const auto found = row.find(column.attribute);
    if (key_only || found == row.end()) bytes += 'n';
    else if (untouched != nullptr && untouched->contains(column.attribute)) bytes += 'u';
    else value(found->second);
  }
  return bytes;
}

void WalSender::Emit(Lsn start, std::string message, std::deque<std::string>& out) const {
  std::string bytes = "w";
  AppendBigEndian(bytes, start.value);
  AppendBigEndian(bytes, database_.end().value);
  AppendBigEndian<int64_t>(bytes, 0);
  out.push_back(bytes + message);
}

std::string WalSender::Keepalive(bool reply_now) const {
  std::string bytes = "k";
  AppendBigEndian(bytes, sent_.value);
  AppendBigEndian<int64_t>(bytes, 0);
  return bytes + (reply_now ? '\1' : '\0');
}

}  // namespace sluice::simulator
