// One value of any type, in binary or text form, on its way into the lake. What is printed of a binary value reads
// back as text to the same cell, and what is made as JSON is JSON.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "fuzz_input.h"
#include "memory_limit.h"
#include "sink/lake/input_text.h"
#include "sink/lake/pg_type_oid.h"
#include "sink/lake/text_writer.h"
#include "sink/lake/type_map.h"
#include "sink/lake/value_decoder.h"
#include "value_types.h"

namespace sluice::fuzz {
namespace {

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Follows the grammar of JSON as far as numbers fit into this library's.
class Grammar final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    constexpr int kNumberOutOfRange = 406;
    wrong = error.id != kNumberOutOfRange;
    return false;
  }

  bool wrong = false;
};

bool IsJson(const std::string& text) {
  Grammar grammar;
  nlohmann::json::sax_parse(text, &grammar);
  return !grammar.wrong;
}

template <class Is>
bool Holds(const Type& type, const Is& is) {
  return is(type) || (type.element && Holds(*type.element, is)) ||
         std::any_of(type.fields.begin(), type.fields.end(), [&](const CompositeField& field) { return Holds(*field.type, is); });
}

/// Whether values of `type` may carry JSON that others wrote.
bool HoldsJson(const Type& type) {
  return Holds(type, [](const Type& one) { return one.oid == pg::kJson || one.oid == pg::kJsonb; });
}

/// Whether JSON has another text of its values than the server prints, though the server reads it.
bool HoldsTimesOrMoney(const Type& type) {
  return Holds(type, [](const Type& one) { return one.oid == pg::kTimestamp || one.oid == pg::kTimestamptz || one.oid == pg::kMoney; });
}

/// Types whose cells are no text: the server's text must give the same ones.
bool HasOwnForm(const Type& type) {
  switch (type.oid) {
    case pg::kBool: case pg::kInt2: case pg::kInt4: case pg::kInt8: case pg::kOid: case pg::kXid: case pg::kCid: case pg::kXid8:
    case pg::kFloat4: case pg::kFloat8: case pg::kBytea: case pg::kUuid: case pg::kDate: case pg::kTimestamp: case pg::kTimestamptz: return true;
    default: return false;
  }
}

std::string Canonical(const Cell& cell) {
  std::string canonical;
  AppendCanonical(cell, canonical);
  return canonical;
}

/// Numbers of cells fit the type that the column has.
void CheckFits(const Cell& cell, const iceberg::Type& type) {
  if (cell.is_null()) return;
  switch (type.id) {
    case iceberg::TypeId::kBoolean: FUZZ_CHECK(cell.kind == CellKind::kInteger && (cell.integer == 0 || cell.integer == 1)); return;
    case iceberg::TypeId::kInt:
    case iceberg::TypeId::kDate: FUZZ_CHECK(cell.kind == CellKind::kInteger && cell.integer == static_cast<int32_t>(cell.integer)); return;
    case iceberg::TypeId::kDecimal: {
      FUZZ_CHECK(cell.kind == CellKind::kDecimal);
      __int128 limit = 1;
      for (int i = 0; i < type.precision; ++i) limit *= 10;
      FUZZ_CHECK(cell.decimal < limit && cell.decimal > -limit);
      return;
    }
    case iceberg::TypeId::kUuid: FUZZ_CHECK(cell.kind == CellKind::kBytes && cell.bytes.size() == 16); return;
    case iceberg::TypeId::kString:
    case iceberg::TypeId::kBinary: FUZZ_CHECK(cell.kind == CellKind::kBytes); return;
    case iceberg::TypeId::kList:
      FUZZ_CHECK(cell.kind == CellKind::kList);
      for (const Cell& item : cell.items) CheckFits(item, type.fields.front().type);
      return;
    default: FUZZ_CHECK(cell.kind == CellKind::kInteger); return;
  }
}

bool IsHeldAsJson(const Type& type) { return type.kind == TypeKind::kComposite || (type.kind == TypeKind::kArray && IsFlatArray(type)); }

// The text that a server is given of what the lake holds as JSON is held as the same JSON again.
void CheckInput(const Type& type, const std::string& json) {
  if (HoldsJson(type) || HoldsTimesOrMoney(type) || !WhyNoInputText(type).empty()) return;
  std::string input, again;
  if (!AppendInputText(Cell::Of(json), type, iceberg::Primitive(iceberg::TypeId::kString), input)) return;  // Nested deeper than anybody nests.
  FUZZ_CHECK(MakeTextWriter(type)->RewriteText(input, again));
  FUZZ_CHECK(again == json);
}

void DecodeBinary(const ValueType& tested, Bytes bytes) {
  const auto decoder = MakeDecoder(*tested.type, tested.typmod);
  PolicyCounts counts;
  Cell cell;
  const bool decoded = decoder->Decode(bytes, cell, counts);
  const std::string canonical = decoded ? Canonical(cell) : "";
  if (decoded) CheckFits(cell, MapType(*tested.type, tested.typmod).type);

  const auto writer = MakeTextWriter(*tested.type);
  std::string text, json;
  const bool written = writer->Write(bytes, text);
  if (written && HasOwnForm(*tested.type)) {
    FUZZ_CHECK(decoded);
    FUZZ_CHECK(decoder->DecodeText(text, cell, counts));
    FUZZ_CHECK(Canonical(cell) == canonical);
  }
  if (writer->WriteJson(bytes, json) && IsAscii(json) && !HoldsJson(*tested.type)) FUZZ_CHECK(IsJson(json));
  if (written && IsHeldAsJson(*tested.type)) CheckInput(*tested.type, text);
  // A second value through the same decoder: nothing of the first is left over.
  if (decoded) {
    FUZZ_CHECK(decoder->Decode(bytes, cell, counts));
    FUZZ_CHECK(Canonical(cell) == canonical);
  }
}

void DecodeText(const ValueType& tested, std::string_view text) {
  const auto decoder = MakeDecoder(*tested.type, tested.typmod);
  PolicyCounts counts;
  Cell cell;
  if (decoder->DecodeText(text, cell, counts)) CheckFits(cell, MapType(*tested.type, tested.typmod).type);
  const auto writer = MakeTextWriter(*tested.type);
  std::string rewritten, json;
  static_cast<void>(writer->RewriteText(text, rewritten));
  Cell held = Cell::Of(text);
  std::string input;  // Whatever lies in the lake is taken apart or refused.
  static_cast<void>(AppendInputText(held, *tested.type, iceberg::Primitive(iceberg::TypeId::kString), input));
  if (writer->RewriteJson(text, json) && IsAscii(json) && !HoldsJson(*tested.type)) FUZZ_CHECK(IsJson(json));
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  const auto& types = fuzz::ValueTypes();
  const fuzz::ValueType& tested = types[input.Choice(types.size())];
  const bool as_text = (input.Byte() & 1) != 0;
  // Ten bytes of a numeric say 131,072 digits, and PostgreSQL prints them too.
  const fuzz::MemoryLimit limit(size, 100'000, size_t{4} << 20);
  if (as_text) fuzz::DecodeText(tested, AsText(input.rest()));
  else fuzz::DecodeBinary(tested, input.rest());
  return 0;
}
