#pragma once
// pgoutput, protocol versions 1 to 4: bytes to views into them. Nothing is copied or allocated.
//
// Every message starts with one byte that says what it is. Inside a stream block (between S and E) an int32 follows
// in R, Y, I, U, D, T and M: the xid of the (sub)transaction that made the change.
//
//   B  final lsn: int64 | commit time: int64 (µs since 2000) | xid: int32
//   C  flags: int8 (0) | commit lsn: int64 | end lsn: int64 | commit time: int64
//   O  origin's commit lsn: int64 | name: cstring
//   R  [xid] oid: int32 | namespace: cstring | name: cstring | identity: int8 | columns: int16, then for each
//      flags: int8 (1: part of the key) | name: cstring | type oid: int32 | typmod: int32
//   Y  [xid] oid: int32 | namespace: cstring | name: cstring
//   I  [xid] oid: int32 | 'N' TupleData
//   U  [xid] oid: int32 | optional: ('K' | 'O') TupleData | 'N' TupleData
//   D  [xid] oid: int32 | ('K' | 'O') TupleData
//   T  [xid] tables: int32 | options: int8 (1 cascade, 2 restart identity) | oid: int32 each
//   M  [xid] flags: int8 (1: transactional) | lsn: int64 | prefix: cstring | length: int32 | content
//   S  xid: int32 | first block of it: int8
//   E  nothing
//   c  xid: int32 | flags: int8 (0) | commit lsn: int64 | end lsn: int64 | commit time: int64
//   A  xid: int32 | subxid: int32 | with streaming 'parallel' also: abort lsn: int64 | abort time: int64
//
// Source: PostgreSQL manual, "Logical Replication Message Formats".

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "change/change_batch.h"

namespace sluice::pgoutput {

struct Begin {
  uint32_t xid;
  Lsn commit_lsn;
  Timestamp commit_time;
};

struct Commit {
  Lsn commit_lsn;
  Lsn end_lsn;
  Timestamp commit_time;
};

struct Origin {};

struct Relation {
  uint32_t xid;  ///< 0 outside of stream blocks, here and below.
  Oid oid;
  std::string_view name_space;  ///< Empty: pg_catalog.
  std::string_view name;
  ReplicaIdentity identity;
  uint16_t column_count;
  Bytes columns;  ///< Checked; walk it with RelationColumns.
};

struct TypeName {
  Oid oid;
  std::string_view name_space;
  std::string_view name;
};

/// An insert, update or delete. Tuples are whole TupleData, accepted by MeasureTuple.
struct RowChange {
  uint32_t xid;
  Oid relation;
  Operation operation;
  OldTuple old_kind;
  Bytes old_tuple;  ///< Empty with OldTuple::kNone.
  Bytes new_tuple;  ///< Empty for a delete.
};

struct Truncate {
  uint32_t xid;
  bool cascade;
  bool restart_identity;
  Bytes relations;  ///< int32 OIDs.
};

struct LogicalMessage {
  uint32_t xid;
  bool transactional;
  Lsn lsn;
  std::string_view prefix;
  Bytes content;
};

struct StreamStart {
  uint32_t xid;
  bool first;
};

struct StreamStop {};

struct StreamCommit {
  uint32_t xid;
  Commit commit;
};

struct StreamAbort {
  uint32_t xid;
  uint32_t subxid;  ///< Equal to xid: all of it.
};

using Message = std::variant<Begin, Commit, Origin, Relation, TypeName, RowChange, Truncate, LogicalMessage, StreamStart,
                             StreamStop, StreamCommit, StreamAbort>;

/// Decodes one message. `bytes`: the payload of one XLogData message, without its 25-byte header; must outlive the
/// result. `in_stream_block`: between StreamStart and StreamStop. Error: kCorrupt if bytes are missing, left over or
/// of an unknown kind.
Result<Message> Decode(Bytes bytes, bool in_stream_block);

struct RelationColumn {
  bool in_key;
  std::string_view name;
  Oid type;
  int32_t typmod;
};

/// Walks over the columns of a decoded Relation.
class RelationColumns {
 public:
  explicit RelationColumns(const Relation& relation) : reader_(relation.columns), left_(relation.column_count) {}
  bool done() const { return left_ == 0; }
  RelationColumn Next();

 private:
  ByteReader reader_;
  uint16_t left_;
};

/// `microseconds` since 2000-01-01, PostgreSQL's epoch.
Timestamp FromPostgresTime(int64_t microseconds);
int64_t ToPostgresTime(Timestamp time);

}  // namespace sluice::pgoutput
