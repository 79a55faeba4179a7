#include "source/postgres/pgoutput_messages.h"

#include <fmt/format.h>

#include <limits>

#include "observability/errors/source_codes.h"

namespace sluice::pgoutput {
namespace {

constexpr std::chrono::microseconds kPostgresEpoch = std::chrono::seconds(946'684'800);

/// The size of the TupleData at the start of `bytes`, whatever its number of columns; 0: malformed.
size_t MeasureAnyTuple(Bytes bytes) {
  if (bytes.size() < 2) return 0;
  return MeasureTuple(bytes, static_cast<uint16_t>(LoadBigEndian<int16_t>(bytes.data())));
}

class Decoder {
 public:
  Decoder(Bytes bytes, bool in_stream_block) : in_(bytes), in_stream_block_(in_stream_block) {}

  Result<Message> Run() {
    kind_ = static_cast<char>(in_.Read<uint8_t>());
    Message message = Fields();
    if (!well_formed_ || !in_.ok() || !in_.at_end())
      return Error{ErrorKind::kCorrupt, fmt::format("malformed pgoutput message of kind 0x{:02x}", static_cast<uint8_t>(kind_)),
                   slu::kStreamCorrupt};
    return message;
  }

 private:
  Message Fields() {
    switch (kind_) {
      case 'B': {
        const Lsn commit_lsn = ReadLsn();
        const Timestamp time = ReadTime();
        return Begin{in_.Read<uint32_t>(), commit_lsn, time};
      }
      case 'C': return ReadCommit();
      case 'O': ReadLsn(); in_.ReadCString(); return Origin{};
      case 'R': return ReadRelation();
      case 'Y': {
        ReadXid();
        const Oid oid = in_.Read<Oid>();
        const std::string_view name_space = in_.ReadCString();
        return TypeName{oid, name_space, in_.ReadCString()};
      }
      case 'I': return ReadInsert();
      case 'U': return ReadUpdate();
      case 'D': return ReadDelete();
      case 'T': return ReadTruncate();
      case 'M': return ReadLogicalMessage();
      case 'S': {
        // A block inside a block would leave us without knowing which one the next E ends.
        well_formed_ = !in_stream_block_;
        const auto xid = in_.Read<uint32_t>();
        return StreamStart{xid, in_.Read<uint8_t>() != 0};
      }
      case 'E': well_formed_ = in_stream_block_; return StreamStop{};
      case 'c': {
        const auto xid = in_.Read<uint32_t>();
        return StreamCommit{xid, ReadCommit()};
      }
      case 'A': {
        const auto xid = in_.Read<uint32_t>();
        const StreamAbort abort{xid, in_.Read<uint32_t>()};
        if (!in_.at_end()) in_.ReadBytes(16);  // Abort LSN and time, with streaming 'parallel'.
        return abort;
      }
      default: well_formed_ = false; return StreamStop{};
    }
  }

  uint32_t ReadXid() { return in_stream_block_ ? in_.Read<uint32_t>() : 0; }
  Lsn ReadLsn() { return Lsn{in_.Read<uint64_t>()}; }
  Timestamp ReadTime() { return FromPostgresTime(in_.Read<int64_t>()); }

  Commit ReadCommit() {
    in_.Read<uint8_t>();  // Flags, none of which exist.
    const Lsn commit_lsn = ReadLsn();
    const Lsn end_lsn = ReadLsn();
    return Commit{commit_lsn, end_lsn, ReadTime()};
  }

  Relation ReadRelation() {
    Relation relation{};
    relation.xid = ReadXid();
    relation.oid = in_.Read<Oid>();
    relation.name_space = in_.ReadCString();
    relation.name = in_.ReadCString();
    const auto identity = static_cast<char>(in_.Read<uint8_t>());
    if (identity != 'd' && identity != 'n' && identity != 'f' && identity != 'i') well_formed_ = false;
    relation.identity = static_cast<ReplicaIdentity>(identity);
    relation.column_count = in_.Read<uint16_t>();
    relation.columns = in_.rest();
    for (uint16_t i = 0; i < relation.column_count && in_.ok(); ++i) {
      in_.Read<uint8_t>();
      in_.ReadCString();
      in_.ReadBytes(8);
    }
    return relation;
  }

  Bytes ReadTuple() {
    const size_t size = MeasureAnyTuple(in_.rest());
    if (size == 0) well_formed_ = false;
    return in_.ReadBytes(size);
  }

  RowChange ReadInsert() {
    RowChange change{ReadXid(), in_.Read<Oid>(), Operation::kInsert, OldTuple::kNone, {}, {}};
    if (in_.Read<uint8_t>() != 'N') well_formed_ = false;
    change.new_tuple = ReadTuple();
    return change;
  }

  RowChange ReadUpdate() {
    RowChange change{ReadXid(), in_.Read<Oid>(), Operation::kUpdate, OldTuple::kNone, {}, {}};
    auto side = in_.Read<uint8_t>();
    if (side == 'K' || side == 'O') {
      change.old_kind = side == 'K' ? OldTuple::kKey : OldTuple::kFull;
      change.old_tuple = ReadTuple();
      side = in_.Read<uint8_t>();
    }
    if (side != 'N') well_formed_ = false;
    change.new_tuple = ReadTuple();
    return change;
  }

  RowChange ReadDelete() {
    RowChange change{ReadXid(), in_.Read<Oid>(), Operation::kDelete, OldTuple::kKey, {}, {}};
    const auto side = in_.Read<uint8_t>();
    if (side != 'K' && side != 'O') well_formed_ = false;
    if (side == 'O') change.old_kind = OldTuple::kFull;
    change.old_tuple = ReadTuple();
    return change;
  }

  Truncate ReadTruncate() {
    Truncate truncate{};
    truncate.xid = ReadXid();
    const auto tables = in_.Read<uint32_t>();
    const auto options = in_.Read<uint8_t>();
    truncate.cascade = (options & 1) != 0;
    truncate.restart_identity = (options & 2) != 0;
    truncate.relations = in_.ReadBytes(size_t{tables} * sizeof(Oid));
    return truncate;
  }

  LogicalMessage ReadLogicalMessage() {
    LogicalMessage message{};
    message.xid = ReadXid();
    message.transactional = (in_.Read<uint8_t>() & 1) != 0;
    message.lsn = ReadLsn();
    message.prefix = in_.ReadCString();
    message.content = in_.ReadBytes(in_.Read<uint32_t>());
    return message;
  }

  ByteReader in_;
  const bool in_stream_block_;
  char kind_ = 0;
  bool well_formed_ = true;
};

}  // namespace

Result<Message> Decode(Bytes bytes, bool in_stream_block) { return Decoder(bytes, in_stream_block).Run(); }

RelationColumn RelationColumns::Next() {
  --left_;
  const bool in_key = (reader_.Read<uint8_t>() & 1) != 0;
  const std::string_view name = reader_.ReadCString();
  const Oid type = reader_.Read<Oid>();
  return {in_key, name, type, reader_.Read<int32_t>()};
}

Timestamp FromPostgresTime(int64_t microseconds) {
  // Bytes of anybody's: saturate instead of overflowing.
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max() - kPostgresEpoch.count();
  return Timestamp(std::chrono::microseconds(std::min(microseconds, kMax)) + kPostgresEpoch);
}

int64_t ToPostgresTime(Timestamp time) { return (time.time_since_epoch() - kPostgresEpoch).count(); }

}  // namespace sluice::pgoutput
