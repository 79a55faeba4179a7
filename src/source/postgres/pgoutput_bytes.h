#pragma once
// For tests: pgoutput messages made by hand.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "change/lsn.h"

namespace sluice::testing {

/// A text value; nullopt: null; kUntouched: an unchanged TOASTed value.
using Field = std::optional<std::string>;
inline const std::string kUntouched = "\x01untouched";

inline std::string Tuple(const std::vector<Field>& fields) {
  std::string bytes;
  AppendBigEndian<uint16_t>(bytes, static_cast<uint16_t>(fields.size()));
  for (const Field& field : fields) {
    if (!field) {
      bytes += 'n';
    } else if (*field == kUntouched) {
      bytes += 'u';
    } else {
      bytes += 't';
      AppendBigEndian<uint32_t>(bytes, static_cast<uint32_t>(field->size()));
      bytes += *field;
    }
  }
  return bytes;
}

/// `xid`: 0 outside of stream blocks, in all of these.
inline std::string Start(char kind, uint32_t xid) {
  std::string bytes(1, kind);
  if (xid != 0) AppendBigEndian(bytes, xid);
  return bytes;
}

inline std::string BeginMessage(uint32_t xid, uint64_t commit_lsn, int64_t time = 0) {
  std::string bytes = "B";
  AppendBigEndian(bytes, commit_lsn);
  AppendBigEndian(bytes, time);
  AppendBigEndian(bytes, xid);
  return bytes;
}

inline std::string CommitFields(uint64_t commit_lsn, uint64_t end_lsn, int64_t time) {
  std::string bytes(1, '\0');
  AppendBigEndian(bytes, commit_lsn);
  AppendBigEndian(bytes, end_lsn);
  AppendBigEndian(bytes, time);
  return bytes;
}
inline std::string CommitMessage(uint64_t commit_lsn, uint64_t end_lsn, int64_t time = 0) { return "C" + CommitFields(commit_lsn, end_lsn, time); }

inline std::string OriginMessage() { return "O" + std::string(8, '\0') + "upstream" + '\0'; }

struct ColumnBytes {
  std::string name;
  bool in_key = false;
};
/// All columns are text.
inline std::string RelationMessage(uint32_t oid, const std::string& name, const std::vector<ColumnBytes>& columns, uint32_t xid = 0) {
  std::string bytes = Start('R', xid);
  AppendBigEndian(bytes, oid);
  bytes += std::string("public") + '\0' + name + '\0' + 'd';
  AppendBigEndian(bytes, static_cast<uint16_t>(columns.size()));
  for (const ColumnBytes& column : columns) {
    bytes += column.in_key ? '\1' : '\0';
    bytes += column.name + '\0';
    AppendBigEndian<uint32_t>(bytes, 25);
    AppendBigEndian<int32_t>(bytes, -1);
  }
  return bytes;
}

inline std::string TypeMessage(uint32_t oid, const std::string& name, uint32_t xid = 0) {
  std::string bytes = Start('Y', xid);
  AppendBigEndian(bytes, oid);
  return bytes + "public" + '\0' + name + '\0';
}

inline std::string InsertMessage(uint32_t oid, const std::vector<Field>& row, uint32_t xid = 0) {
  std::string bytes = Start('I', xid);
  AppendBigEndian(bytes, oid);
  return bytes + 'N' + Tuple(row);
}

/// `side`: 'K', 'O' or '\0' for none.
inline std::string UpdateMessage(uint32_t oid, char side, const std::vector<Field>& old, const std::vector<Field>& row, uint32_t xid = 0) {
  std::string bytes = Start('U', xid);
  AppendBigEndian(bytes, oid);
  if (side != '\0') bytes += side + Tuple(old);
  return bytes + 'N' + Tuple(row);
}

inline std::string DeleteMessage(uint32_t oid, char side, const std::vector<Field>& old, uint32_t xid = 0) {
  std::string bytes = Start('D', xid);
  AppendBigEndian(bytes, oid);
  return bytes + side + Tuple(old);
}

inline std::string TruncateMessage(std::initializer_list<uint32_t> oids, uint32_t xid = 0) {
  std::string bytes = Start('T', xid);
  AppendBigEndian(bytes, static_cast<uint32_t>(oids.size()));
  bytes += '\3';
  for (const uint32_t oid : oids) AppendBigEndian(bytes, oid);
  return bytes;
}

inline std::string LogicalMessageBytes(bool transactional, uint64_t lsn, const std::string& prefix, const std::string& content, uint32_t xid = 0) {
  std::string bytes = Start('M', xid);
  bytes += transactional ? '\1' : '\0';
  AppendBigEndian(bytes, lsn);
  bytes += prefix + '\0';
  AppendBigEndian(bytes, static_cast<uint32_t>(content.size()));
  return bytes + content;
}

inline std::string StreamStartMessage(uint32_t xid, bool first) { return Start('S', xid) + (first ? '\1' : '\0'); }
inline std::string StreamStopMessage() { return "E"; }
inline std::string StreamCommitMessage(uint32_t xid, uint64_t commit_lsn, uint64_t end_lsn, int64_t time = 0) {
  return Start('c', xid) + CommitFields(commit_lsn, end_lsn, time);
}
inline std::string StreamAbortMessage(uint32_t xid, uint32_t subxid) {
  std::string bytes = Start('A', xid);
  AppendBigEndian(bytes, subxid);
  return bytes;
}

}  // namespace sluice::testing
