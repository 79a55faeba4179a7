#include "recorded_messages.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

#include "change/tuple.h"
#include "source/postgres/pgoutput_messages.h"
#include "table_content.h"

namespace sluice::simulator {
namespace {

constexpr size_t kShown = 12;
constexpr size_t kRelationFacts = 1 + sizeof(uint32_t);  // Behind the kind and the transaction.

class Describer {
 public:
  std::string Take(const pgoutput::Message& message) {
    return std::visit([this](const auto& fields) { return On(fields); }, message);
  }

 private:
  std::string Xid(uint32_t xid) {
    if (xid == 0) return "";
    const auto [at, added] = xids_.try_emplace(xid, xids_.size() + 1);
    return fmt::format(" x{}", at->second);
  }
  std::string Table(Oid oid) const {
    const auto found = tables_.find(oid);
    return found == tables_.end() ? "?" : found->second;
  }
  static std::string Tuple(const char* side, Bytes bytes) {
    if (bytes.empty()) return "";
    std::string text = fmt::format(" {}(", side);
    TupleReader reader(bytes.data());
    for (size_t i = 0; i < reader.columns(); ++i) {
      const Value value = reader.Next();
      const std::string_view content = AsText(value.bytes);
      text += fmt::format("{}{}", i == 0 ? "" : ", ", static_cast<char>(value.kind));
      if (value.kind == ValueKind::kBinary || value.kind == ValueKind::kText)
        text += content.size() > kShown ? fmt::format(":{}#{:x}", content.size(), HashOf(content, 0)) : fmt::format(":{}", Hex(content));
    }
    return text + ")";
  }
  static std::string Hex(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
  }
  std::string End(const pgoutput::Commit& commit) const {
    return fmt::format("{}{}", commit.end_lsn > commit.commit_lsn ? "" : " ends before it begins", begun_ && *begun_ != commit.commit_lsn ? " at another place" : "");
  }

  std::string On(const pgoutput::Begin& begin) {
    begun_ = begin.commit_lsn;
    return "begin" + Xid(begin.xid);
  }
  std::string On(const pgoutput::Commit& commit) { return "commit" + End(commit); }
  std::string On(const pgoutput::Origin&) { return "origin"; }
  std::string On(const pgoutput::Relation& relation) {
    tables_[relation.oid] = std::string(relation.name);
    std::string text = fmt::format("relation{} {}.{} identity {}", Xid(relation.xid), relation.name_space, relation.name, static_cast<char>(relation.identity));
    for (pgoutput::RelationColumns columns(relation); !columns.done();) {
      const pgoutput::RelationColumn column = columns.Next();
      text += fmt::format(" {}{}:{}:{}", column.in_key ? "*" : "", column.name, column.type, column.typmod);
    }
    return text;
  }
  std::string On(const pgoutput::TypeName&) { return "type"; }
  std::string On(const pgoutput::RowChange& row) {
    constexpr const char* kOperations[] = {"insert", "update", "delete"};
    return fmt::format("{}{} {}{}{}", kOperations[static_cast<size_t>(row.operation)], Xid(row.xid), Table(row.relation),
                       Tuple(row.old_kind == OldTuple::kKey ? "key" : "old", row.old_tuple), Tuple("new", row.new_tuple));
  }
  std::string On(const pgoutput::Truncate& truncate) {
    std::string text = fmt::format("truncate{}{}{}", Xid(truncate.xid), truncate.cascade ? " cascade" : "", truncate.restart_identity ? " restart" : "");
    for (ByteReader oids(truncate.relations); !oids.at_end();) text += " " + Table(oids.Read<Oid>());
    return text;
  }
  std::string On(const pgoutput::LogicalMessage& message) {
    return fmt::format("message{}{} {} {}", Xid(message.xid), message.transactional ? " transactional" : "", message.prefix, AsText(message.content));
  }
  std::string On(const pgoutput::StreamStart& start) {
    begun_.reset();
    return "stream" + Xid(start.xid);
  }
  std::string On(const pgoutput::StreamStop&) { return ""; }
  std::string On(const pgoutput::StreamCommit& commit) { return "stream commit" + Xid(commit.xid) + End(commit.commit); }
  std::string On(const pgoutput::StreamAbort& abort) { return "stream abort" + Xid(abort.xid) + Xid(abort.subxid); }

  std::map<uint32_t, size_t> xids_;
  std::map<Oid, std::string> tables_;
  std::optional<Lsn> begun_;
};

/// 0: it carries none.
uint32_t XidOf(const pgoutput::Message& message) {
  return std::visit([](const auto& fields) -> uint32_t {
    if constexpr (requires { fields.xid; }) return fields.xid;
    return 0;
  }, message);
}

/// Transactions and subtransactions that a stream abort names.
std::set<uint32_t> Aborted(const std::vector<std::string>& messages) {
  std::set<uint32_t> aborted;
  for (const std::string& message : messages)
    if (const auto decoded = pgoutput::Decode(AsBytes(message), false); message[0] == 'A' && decoded.ok()) aborted.insert(std::get<pgoutput::StreamAbort>(*decoded).subxid);
  return aborted;
}

/// A table whose shape a streamed transaction has changed is described again with each of its blocks, which end where a
/// server's memory says: only what differs from the last time is told, or follows on what is undone.
class Described {
 public:
  bool SameAgain(uint32_t top, const pgoutput::Relation& relation, std::string text, bool aborted) {
    Last& last = last_[{top, relation.oid}];
    const bool same = last.text == text && !last.aborted;
    last = {std::move(text), aborted};
    return same;
  }

 private:
  struct Last {
    std::string text;
    bool aborted = false;
  };
  std::map<std::pair<uint32_t, Oid>, Last> last_;
};

}  // namespace

std::vector<std::string> Describe(const std::vector<std::string>& messages) {
  const std::set<uint32_t> aborted = Aborted(messages);
  Describer describer;
  Described described;
  std::vector<std::string> lines;
  std::map<uint32_t, std::vector<std::string>> streamed;  // By top-level xid, until it ends.
  uint32_t open = 0;
  for (const std::string& message : messages) {
    const auto decoded = pgoutput::Decode(AsBytes(message), open != 0);
    if (!decoded.ok()) return {"malformed message"};
    std::string line = describer.Take(*decoded);
    if (const auto* const start = std::get_if<pgoutput::StreamStart>(&*decoded)) {
      open = start->xid;
      if (start->first) streamed[open].push_back(std::move(line));
    } else if (std::holds_alternative<pgoutput::StreamStop>(*decoded)) {
      open = 0;
    } else if (open != 0) {
      const bool undone = aborted.contains(XidOf(*decoded));
      const auto* const relation = std::get_if<pgoutput::Relation>(&*decoded);
      if (relation != nullptr && described.SameAgain(open, *relation, message.substr(kRelationFacts), undone)) continue;
      if (!undone) streamed[open].push_back(std::move(line));
    } else if (const auto* const abort = std::get_if<pgoutput::StreamAbort>(&*decoded); abort != nullptr && abort->subxid != abort->xid) {
      streamed[abort->xid].push_back(std::move(line));
    } else {
      const auto* const commit = std::get_if<pgoutput::StreamCommit>(&*decoded);
      const uint32_t ended = commit != nullptr ? commit->xid : abort != nullptr ? abort->xid : 0;
      for (std::string& held : streamed[ended]) lines.push_back(std::move(held));
      streamed.erase(ended);
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

}  // namespace sluice::simulator
