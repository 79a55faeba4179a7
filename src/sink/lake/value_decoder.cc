#include "sink/lake/value_decoder.h"

#include <arrow/builder.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "sink/lake/column_appending.h"
#include "sink/lake/decimal_decoder.h"
#include "sink/lake/pg_type_oid.h"
#include "sink/lake/text_writer.h"
#include "sink/lake/type_map.h"
#include "sink/lake/value_text.h"
#include "sink/lake/value_text_parts.h"

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
    return Hold(LoadBigEndian<T>(bytes.data()), cell);
  }
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    T number = 0;
    return text::ParseInteger(text, number) && Hold(number, cell);
  }
  bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts& counts) override {
    const auto load = [](const std::byte* value, auto& number) {
      number = static_cast<std::remove_reference_t<decltype(number)>>(LoadBigEndian<T>(value));
      return true;
    };
    if (auto* const ints = dynamic_cast<arrow::Int32Builder*>(&column); ints != nullptr && sizeof(T) < 8) return AppendNumbers(values, sizeof(T), *ints, load);
    if (auto* const longs = dynamic_cast<arrow::Int64Builder*>(&column)) return AppendNumbers(values, sizeof(T), *longs, load);
    return ValueDecoder::AppendAll(values, column, counts);
  }

 private:
  static bool Hold(T number, Cell& cell) {
    cell = Cell::Integer(static_cast<int64_t>(number));
    return true;
  }
};

// Numbers that are not are all one to PostgreSQL, and in text form; so they are here, whatever their bits.
template <class Float, class Bits, bool (*kParse)(std::string_view, Float&)>
class FloatDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    if (bytes.size() != sizeof(Bits)) return false;
    return Hold(std::bit_cast<Float>(LoadBigEndian<Bits>(bytes.data())), cell);
  }
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    Float number = 0;
    return kParse(text, number) && Hold(number, cell);
  }
  bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts&) override {
    using Builder = std::conditional_t<sizeof(Float) == 4, arrow::FloatBuilder, arrow::DoubleBuilder>;
    return AppendNumbers(values, sizeof(Bits), static_cast<Builder&>(column), [](const std::byte* value, Float& number) {
      number = OneNaN(std::bit_cast<Float>(LoadBigEndian<Bits>(value)));
      return true;
    });
  }

 private:
  static Float OneNaN(Float number) { return std::isnan(number) ? std::numeric_limits<Float>::quiet_NaN() : number; }
  static bool Hold(Float number, Cell& cell) {
    number = OneNaN(number);
    cell = Cell::Integer(static_cast<int64_t>(std::bit_cast<Bits>(number)));
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
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    bool value = false;
    if (!text::ParseBool(text, value)) return false;
    cell = Cell::Integer(value ? 1 : 0);
    return true;
  }
  bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts&) override {
    return AppendNumbers(values, 1, static_cast<arrow::BooleanBuilder&>(column), [](const std::byte* value, uint8_t& number) {
      number = *value != std::byte{0};
      return true;
    });
  }
};

template <class T, bool (*kParse)(std::string_view, T&), int64_t kToEpoch, int64_t kFirst, int64_t kEnd>
class InstantDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts& counts) override {
    if (bytes.size() != sizeof(T)) return false;
    return Hold(LoadBigEndian<T>(bytes.data()), cell, counts);
  }
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts& counts) override {
    T since_2000 = 0;
    return kParse(text, since_2000) && Hold(since_2000, cell, counts);
  }
  bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts& counts) override {
    using Builder = std::conditional_t<sizeof(T) == 4, arrow::Date32Builder, arrow::TimestampBuilder>;
    return AppendNumbers(values, sizeof(T), static_cast<Builder&>(column), [&](const std::byte* value, T& number) {
      const auto since_2000 = LoadBigEndian<T>(value);
      if (IsBeyond(since_2000)) {
        ++counts[Policy::kInfinity];
        return false;
      }
      number = static_cast<T>(since_2000 + kToEpoch);
      return true;
    });
  }

 private:
  // Compared before it is moved: ±infinity are the ends of the range.
  static bool IsBeyond(int64_t since_2000) { return since_2000 < kFirst - kToEpoch || since_2000 >= kEnd - kToEpoch; }
  static bool Hold(int64_t since_2000, Cell& cell, PolicyCounts& counts) {
    if (IsBeyond(since_2000)) {
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
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    if (!text::ParseBytea(text, held_)) return false;
    cell = Cell::Of(held_);
    return true;
  }
  bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts&) override { return AppendTexts(values, 0, column); }

 private:
  std::string held_;
};

class PlainTextDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    cell = Cell::Of(AsText(bytes));
    return true;
  }
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    cell = Cell::Of(text);
    return true;
  }
  bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts&) override { return AppendTexts(values, 0, column); }
};

class VersionedTextDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    if (bytes.empty() || bytes[0] != std::byte{1}) return false;
    cell = Cell::Of(AsText(bytes.subspan(1)));
    return true;
  }
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    cell = Cell::Of(text);
    return true;
  }
  bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts&) override {
    const auto has_version = [](const Bytes& value) { return value.data() == nullptr || (!value.empty() && value[0] == std::byte{1}); };
    return std::all_of(values.begin(), values.end(), has_version) && AppendTexts(values, 1, column);
  }
};

class UuidDecoder final : public ValueDecoder {
 public:
  bool Decode(Bytes bytes, Cell& cell, PolicyCounts&) override {
    if (bytes.size() != 16) return false;
    cell = Cell::Of(AsText(bytes));
    return true;
  }
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    if (!text::ParseUuid(text, held_)) return false;
    cell = Cell::Of(held_);
    return true;
  }
  bool AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts&) override {
    auto& uuids = static_cast<arrow::FixedSizeBinaryBuilder&>(column);
    if (!uuids.Reserve(static_cast<int64_t>(values.size())).ok()) return false;
    for (const Bytes& value : values) {
      if (value.data() == nullptr) uuids.UnsafeAppendNull();
      else if (value.size() == 16) uuids.UnsafeAppend(reinterpret_cast<const uint8_t*>(value.data()));
      else return false;
    }
    return true;
  }

 private:
  std::string held_;
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
  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts&) override {
    if (!writer_->writes_server_text()) {
      text_.clear();
      if (!writer_->RewriteText(text, text_)) return false;
      text = text_;
    }
    cell = Cell::Of(text);
    return true;
  }

 private:
  const std::unique_ptr<TextWriter> writer_;
  const bool unknown_;
  std::string text_;
};

// The form stands at ArrayWriter in text_writer.cc.
class ListDecoder final : public ValueDecoder {
 public:
  ListDecoder(std::unique_ptr<ValueDecoder> element, char delimiter) : element_(std::move(element)), delimiter_(delimiter) {}

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
    if (dimensions != 0) return RefuseShape(cell, counts);
    return DecodeItems(0, reader, cell, counts);
  }

  bool DecodeText(std::string_view text, Cell& cell, PolicyCounts& counts) override {
    using Token = text::ArrayParts::Token;
    items_.clear();
    texts_used_ = 0;
    text::ArrayParts parts(text, delimiter_);
    bool is_list = !parts.has_bounds();  // They are printed where one isn't from 1.
    for (Token token = parts.Next(); token != Token::kEnd; token = parts.Next()) {
      if (token == Token::kMalformed) return false;
      is_list = is_list && parts.depth() <= 1;
      if (!is_list || token == Token::kOpen || token == Token::kClose) continue;
      Cell item;
      if (token == Token::kItem && !element_->DecodeText(parts.item(), item, counts)) return false;
      KeepItem(item, AsBytes(text));
    }
    return is_list ? Hold(cell) : RefuseShape(cell, counts);
  }

 private:
  static bool RefuseShape(Cell& cell, PolicyCounts& counts) {
    ++counts[Policy::kArrayShape];
    cell = Cell{};
    return true;
  }

  bool DecodeItems(size_t length, ByteReader& reader, Cell& cell, PolicyCounts& counts) {
    const Bytes wire = reader.rest();
    for (size_t i = 0; i < length; ++i) {
      const auto size = reader.Read<int32_t>();
      Cell item;
      if (size >= 0) {
        const Bytes bytes = reader.ReadBytes(static_cast<size_t>(size));
        if (!reader.ok() || !element_->Decode(bytes, item, counts)) return false;
      }
      KeepItem(item, wire);
    }
    return Hold(cell) && reader.ok() && reader.at_end();
  }

  bool Hold(Cell& cell) {
    cell = Cell{};
    cell.kind = CellKind::kList;
    cell.items = items_;
    return true;
  }

  // The next element overwrites the decoder's scratch space, but not the wire's bytes.
  void KeepItem(Cell item, Bytes wire) {
    if (item.kind == CellKind::kBytes && !Inside(item.bytes, wire)) item.bytes = Keep(item.bytes);
    items_.push_back(item);
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
  const char delimiter_;
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
    case pg::kFloat4: return std::make_unique<FloatDecoder<float, uint32_t, text::ParseFloat4>>();
    case pg::kFloat8: return std::make_unique<FloatDecoder<double, int64_t, text::ParseFloat8>>();
    case pg::kMoney: return MakeDecimalFromInt64();
    case pg::kXid8: return MakeDecimalFromUint64();
    case pg::kBytea: return std::make_unique<BytesDecoder>();
    case pg::kUuid: return std::make_unique<UuidDecoder>();
    case pg::kDate: return std::make_unique<InstantDecoder<int32_t, text::ParseDate, kDaysTo2000, kFirstDay, kEndDay>>();
    case pg::kTimestamp:
      return std::make_unique<InstantDecoder<int64_t, text::ParseTimestamp, kMicrosTo2000, kFirstMicros, kEndMicros>>();
    case pg::kTimestamptz:
      return std::make_unique<InstantDecoder<int64_t, text::ParseTimestamptz, kMicrosTo2000, kFirstMicros, kEndMicros>>();
    case pg::kNumeric: {
      NumericShape shape;
      if (FitsDecimal(typmod, shape)) return MakeDecimalFromNumeric(shape.precision, shape.scale);
      return MakeText(type);
    }
    default: return MakeText(type);
  }
}

}  // namespace

bool ValueDecoder::AppendAll(std::span<const Bytes> values, arrow::ArrayBuilder& column, PolicyCounts& counts) {
  const AppendCell append = AppendFor(*column.type());
  for (const Bytes& value : values) {
    Cell cell;
    if (value.data() != nullptr && !Decode(value, cell, counts)) return false;
    if (!cell.is_null()) append(column, cell);
    else if (!column.AppendNull().ok()) return false;
  }
  return true;
}

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

std::unique_ptr<ValueDecoder> MakeDecoder(const Type& type, int32_t typmod) { return MakeDecoder(type, typmod, MapType(type, typmod).type); }

std::unique_ptr<ValueDecoder> MakeDecoder(const Type& type, int32_t typmod, const iceberg::Type& held) {
  if (IsVector(type)) return MakeText(type);
  switch (type.kind) {
    case TypeKind::kBase: return held.id == iceberg::TypeId::kString ? MakeText(type) : MakeBase(type, typmod);
    case TypeKind::kDomain:
      if (type.element) return MakeDecoder(*type.element, type.element_typmod, held);
      break;
    case TypeKind::kArray:
      if (held.id == iceberg::TypeId::kList) return std::make_unique<ListDecoder>(MakeDecoder(*type.element, typmod, held.fields.front().type), type.array_delimiter);
      break;
    case TypeKind::kEnum:
    case TypeKind::kComposite:
    case TypeKind::kRange:
    case TypeKind::kMultirange: break;
  }
  return MakeText(type);
}

}  // namespace sluice
