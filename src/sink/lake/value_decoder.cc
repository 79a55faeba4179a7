#include "sink/lake/value_decoder.h"

#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "sink/lake/decimal_decoder.h"
#include "sink/lake/pg_type_oid.h"
#include "sink/lake/text_writer.h"
#include "sink/lake/type_map.h"

namespace sluice {
namespace {

constexpr int64_t kDaysTo2000 = 10'957;
constexpr int64_t kMicrosTo2000 = 946'684'800'000'000;
// Years 1 to 9999: what every reader can show.
constexpr int64_t kFirstDay = -719'162, kEndDay = 2'932'897;
constexpr int64_t kFirstMicros = kFirstDay * 86'400'000'000, kEndMicros = kEndDay * 86'400'000'000;

template <class T>
class IntegerDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    if (bytes.size() != sizeof(T)) return false;
    cell = Cell::Integer(static_cast<int64_t>(LoadBigEndian<T>(bytes.data())));
    return true;
  }
};

class BoolDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    if (bytes.size() != 1) return false;
    cell = Cell::Integer(bytes[0] != std::byte{0} ? 1 : 0);
    return true;
  }
};

template <class T, int64_t kToEpoch, int64_t kFirst, int64_t kEnd>
class InstantDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts& counts) override {
    if (bytes.size() != sizeof(T)) return false;
    const auto since_2000 = static_cast<int64_t>(LoadBigEndian<T>(bytes.data()));
    // Compared before it is moved: ±infinity are the ends of the range.
    if (since_2000 < kFirst - kToEpoch || since_2000 >= kEnd - kToEpoch) {
      ++counts[Policy::kInfinity];
      cell = Cell{};
    } else {
      cell = Cell::Integer(since_2000 + kToEpoch);
    }
    return true;
  }
};

class BytesDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    cell = Cell::Of(AsText(bytes));
    return true;
  }
};

class PlainTextDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    cell = Cell::Of(AsText(bytes));
    return true;
  }
  bool takes_text() const override { return true; }
};

class VersionedTextDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    if (bytes.empty() || bytes[0] != std::byte{1}) return false;
    cell = Cell::Of(AsText(bytes.subspan(1)));
    return true;
  }
  bool takes_text() const override { return true; }
};

class UuidDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    if (bytes.size() != 16) return false;
    cell = Cell::Of(AsText(bytes));
    return true;
  }
};

class WrittenTextDecoder final : public ValueDecoder {
 public:
  explicit WrittenTextDecoder(const Type& type)
      : writer_(MakeTextWriter(type)), unknown_(LossOfText(type) == Loss::kUnknownBinary) {}
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts& counts) override {
    text_.clear();
    if (!writer_->Write(bytes, text_)) return false;
    if (unknown_) ++counts[Policy::kUnknownBinary];
    cell = Cell::Of(text_);
    return true;
  }
  bool takes_text() const override { return true; }

 private:
  const std::unique_ptr<TextWriter> writer_;
  const bool unknown_;
  std::string text_;
};

// The form stands at ArrayWriter in text_writer.cc.
class ListDecoder final : public ValueDecoder {
 public:
  explicit ListDecoder(std::unique_ptr<ValueDecoder> element) : element_(std::move(element)) {}

  bool Decode(Bytes bytes, Cell& cell, PolicyCounts& counts) override {
    ByteReader reader(bytes);
    const auto dimensions = reader.Read<int32_t>();
    reader.ReadBytes(8);
    if (!reader.ok() || dimensions < 0 || dimensions > 6) return false;
    items_.clear();
    texts_used_ = 0;
    if (dimensions == 1) {
      const auto length = reader.Read<int32_t>();
      const auto lower_bound = reader.Read<int32_t>();
      // Each element takes at least its length field.
      if (!reader.ok() || length < 0 || static_cast<size_t>(length) > reader.rest_size() / 4) return false;
      if (lower_bound == 1) return DecodeItems(static_cast<size_t>(length), reader, cell, counts);
    }
    if (dimensions != 0) {
      ++counts[Policy::kArrayShape];
      cell = Cell{};
      return true;
    }
    return DecodeItems(0, reader, cell, counts);
  }

 private:
  bool DecodeItems(size_t length, ByteReader& reader, Cell& cell, PolicyCounts& counts) {
    for (size_t i = 0; i < length; ++i) {
      const auto size = reader.Read<int32_t>();
      Cell item;
      if (size >= 0) {
        const Bytes bytes = reader.ReadBytes(static_cast<size_t>(size));
        if (!reader.ok() || !element_->Decode(bytes, item, counts)) return false;
        // The next element overwrites the decoder's scratch space, but not the wire's bytes.
        if (item.kind == CellKind::kBytes && !Inside(item.bytes, bytes)) item.bytes = Keep(item.bytes);
      }
      items_.push_back(item);
    }
    cell = Cell{};
    cell.kind = CellKind::kList;
    cell.items = items_;
    return reader.ok() && reader.at_end();
  }

  static bool Inside(std::string_view view, Bytes bytes) {
    const std::string_view all = AsText(bytes);
    return view.data() >= all.data() && view.data() + view.size() <= all.data() + all.size();
  }

  // Strings that keep their memory from one array to the next.
  std::string_view Keep(std::string_view text) {
    if (texts_used_ == texts_.size()) texts_.emplace_back();
    return texts_[texts_used_++].assign(text);
  }

  const std::unique_ptr<ValueDecoder> element_;
  std::vector<Cell> items_;
  std::deque<std::string> texts_;  // A deque: texts that grew stay where they are.
  size_t texts_used_ = 0;
};

std::unique_ptr<ValueDecoder> MakeText(const Type& type) {
  if (!type.has_binary || IsPlainText(type)) return std::make_unique<PlainTextDecoder>();
  if (type.oid == pg::kJsonb || type.oid == pg::kJsonpath) return std::make_unique<VersionedTextDecoder>();
  return std::make_unique<WrittenTextDecoder>(type);
}

std::unique_ptr<ValueDecoder> MakeBase(const Type& type, int32_t typmod) {
  switch (type.oid) {
    case pg::kBool: return std::make_unique<BoolDecoder>();
    case pg::kInt2: return std::make_unique<IntegerDecoder<int16_t>>();
    case pg::kInt4: return std::make_unique<IntegerDecoder<int32_t>>();
    case pg::kInt8: return std::make_unique<IntegerDecoder<int64_t>>();
    case pg::kOid:
    case pg::kXid:
    case pg::kCid: return std::make_unique<IntegerDecoder<uint32_t>>();
    case pg::kFloat4: return std::make_unique<IntegerDecoder<uint32_t>>();
    case pg::kFloat8: return std::make_unique<IntegerDecoder<int64_t>>();
    case pg::kMoney: return MakeDecimalFromInt64();
    case pg::kXid8: return MakeDecimalFromUint64();
    case pg::kBytea: return std::make_unique<BytesDecoder>();
    case pg::kUuid: return std::make_unique<UuidDecoder>();
    case pg::kDate: return std::make_unique<InstantDecoder<int32_t, kDaysTo2000, kFirstDay, kEndDay>>();
    case pg::kTimestamp:
    case pg::kTimestamptz:
      return std::make_unique<InstantDecoder<int64_t, kMicrosTo2000, kFirstMicros, kEndMicros>>();
    case pg::kNumeric: {
      NumericShape shape;
      if (FitsDecimal(typmod, shape)) return MakeDecimalFromNumeric(shape.precision, shape.scale);
      return MakeText(type);
    }
    default: return MakeText(type);
  }
}

}  // namespace

std::string_view ToString(Policy policy) {
  switch (policy) {
    case Policy::kInfinity: return "infinite or outside years 1 to 9999";
    case Policy::kNotANumber: return "not a finite number";
    case Policy::kOutOfRange: return "more digits than the column holds";
    case Policy::kArrayShape: return "array of other than one dimension from 1";
    case Policy::kUnknownBinary: return "type without known text, held in hexadecimal";
  }
  return "";
}

std::unique_ptr<ValueDecoder> MakeDecoder(const Type& type, int32_t typmod) {
  if (type.oid == pg::kInt2Vector || type.oid == pg::kOidVector) return MakeText(type);
  switch (type.kind) {
    case TypeKind::kBase: return MakeBase(type, typmod);
    case TypeKind::kDomain:
      if (type.element) return MakeDecoder(*type.element, type.element_typmod);
      break;
    case TypeKind::kArray:
      if (type.element && type.has_binary) return std::make_unique<ListDecoder>(MakeDecoder(*type.element, typmod));
      break;
    case TypeKind::kEnum:
    case TypeKind::kComposite:
    case TypeKind::kRange:
    case TypeKind::kMultirange: break;
  }
  return MakeText(type);
}

}  // namespace sluice
