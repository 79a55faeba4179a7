#include "recorded_messages.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "change/tuple.h"
#include "source/postgres/pgoutput_messages.h"
#include "table_content.h"

namespace sluice::simulator {
namespace {

constexpr size_t kShown = 12;

class Describer {
 public:
  std::string Take(const std::string& message) {
    const auto decoded = pgoutput::Decode(AsBytes(message), in_block_);
    if (!decoded.ok()) return "malformed";
    return std::visit([this](const auto& fields) { return On(fields); }, *decoded);
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
    in_block_ = true;
    begun_.reset();
    return "block" + Xid(start.xid) + (start.first ? " first" : "");
  }
  std::string On(const pgoutput::StreamStop&) {
    in_block_ = false;
    return "block ends";
  }
  std::string On(const pgoutput::StreamCommit& commit) { return "stream commit" + Xid(commit.xid) + End(commit.commit); }
  std::string On(const pgoutput::StreamAbort& abort) { return "stream abort" + Xid(abort.xid) + Xid(abort.subxid); }

  std::map<uint32_t, size_t> xids_;
  std::map<Oid, std::string> tables_;
  std::optional<Lsn> begun_;
  bool in_block_ = false;
};

}  // namespace

std::vector<std::string> Describe(const std::vector<std::string>& messages) {
  Describer describer;
  std::vector<std::string> lines;
  std::string open_block;
  for (const std::string& message : messages) {
    std::string line = describer.Take(message);
    const bool starts = line.starts_with("block x");
    const std::string block = starts ? line.substr(0, line.find(" first")) : "";
    if (starts && !lines.empty() && lines.back() == "block ends" && block == open_block) {
      lines.pop_back();
      continue;
    }
    if (starts) open_block = block;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace sluice::simulator
