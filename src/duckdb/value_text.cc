#include "duckdb/value_text.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/free_with.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using Printer = std::unique_ptr<ValuePrinter>;

constexpr int64_t kSecondsPerDay = 86'400;

void Append(std::string& out, std::string_view text) { out.append(text); }

/// One value of a vector of plain values.
template <class T>
T ValueOf(const DuckDbLibrary& duckdb, duckdb_vector vector, idx_t row) {
  return static_cast<const T*>(duckdb.vector_get_data(vector))[row];
}

__int128 Wide(duckdb_hugeint value) { return static_cast<__int128>(static_cast<unsigned __int128>(static_cast<uint64_t>(value.upper)) << 64 | value.lower); }

// Digits of an integer; `scale` of them behind the point.
void AppendDigits(unsigned __int128 magnitude, bool negative, int scale, std::string& out) {
  std::array<char, 48> digits;
  char* at = digits.data() + digits.size();
  for (int place = 0; place <= scale || magnitude != 0; ++place) {
    if (place == scale && scale > 0) *--at = '.';
    *--at = static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
  }
  if (negative) *--at = '-';
  out.append(at, digits.data() + digits.size());
}

void AppendWide(__int128 value, int scale, std::string& out) {
  const bool negative = value < 0;
  AppendDigits(negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value), negative, scale, out);
}

class NumberPrinter : public ValuePrinter {
 public:
  using ValuePrinter::ValuePrinter;
  void Json(duckdb_vector vector, idx_t row, std::string& out) override { Text(vector, row, out); }
  bool is_number() const override { return true; }
};

template <class T>
class IntegerPrinter final : public NumberPrinter {
 public:
  using NumberPrinter::NumberPrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override { fmt::format_to(std::back_inserter(out), "{}", int64_t{ValueOf<T>(duckdb_, vector, row)}); }
};

class UnsignedPrinter final : public NumberPrinter {
 public:
  using NumberPrinter::NumberPrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override { fmt::format_to(std::back_inserter(out), "{}", ValueOf<uint64_t>(duckdb_, vector, row)); }
};

template <class Float>
class FloatPrinter final : public NumberPrinter {
 public:
  using NumberPrinter::NumberPrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    const auto value = ValueOf<Float>(duckdb_, vector, row);
    if (std::isnan(value)) return Append(out, "NaN");
    if (std::isinf(value)) return Append(out, value < 0 ? "-Infinity" : "Infinity");
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
  void Json(duckdb_vector vector, idx_t row, std::string& out) override {
    if (std::isfinite(ValueOf<Float>(duckdb_, vector, row))) return Text(vector, row, out);
    out += '"';
    Text(vector, row, out);
    out += '"';
  }
};

class HugePrinter final : public NumberPrinter {
 public:
  HugePrinter(const DuckDbLibrary& duckdb, bool has_sign) : NumberPrinter(duckdb), has_sign_(has_sign) {}
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    const __int128 value = Wide(ValueOf<duckdb_hugeint>(duckdb_, vector, row));
    if (has_sign_) AppendWide(value, 0, out); else AppendDigits(static_cast<unsigned __int128>(value), false, 0, out);
  }

 private:
  const bool has_sign_;
};

class DecimalPrinter final : public NumberPrinter {
 public:
  DecimalPrinter(const DuckDbLibrary& duckdb, duckdb_type stored, int scale) : NumberPrinter(duckdb), stored_(stored), scale_(scale) {}
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    if (stored_ == DUCKDB_TYPE_SMALLINT) return AppendWide(ValueOf<int16_t>(duckdb_, vector, row), scale_, out);
    if (stored_ == DUCKDB_TYPE_INTEGER) return AppendWide(ValueOf<int32_t>(duckdb_, vector, row), scale_, out);
    if (stored_ == DUCKDB_TYPE_BIGINT) return AppendWide(ValueOf<int64_t>(duckdb_, vector, row), scale_, out);
    AppendWide(Wide(ValueOf<duckdb_hugeint>(duckdb_, vector, row)), scale_, out);
  }

 private:
  const duckdb_type stored_;
  const int scale_;
};

class BoolPrinter final : public ValuePrinter {
 public:
  using ValuePrinter::ValuePrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override { Append(out, ValueOf<bool>(duckdb_, vector, row) ? "true" : "false"); }
  void Json(duckdb_vector vector, idx_t row, std::string& out) override { Text(vector, row, out); }
};

// Of all types whose text DuckDB hands out as bytes.
class BytesPrinter final : public ValuePrinter {
 public:
  BytesPrinter(const DuckDbLibrary& duckdb, bool as_hex) : ValuePrinter(duckdb), as_hex_(as_hex) {}
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    auto value = ValueOf<duckdb_string_t>(duckdb_, vector, row);
    const std::string_view bytes(duckdb_.string_t_data(&value), duckdb_.string_t_length(value));
    if (!as_hex_) return Append(out, bytes);
    Append(out, "\\x");
    for (const char byte : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(byte));
  }

 private:
  const bool as_hex_;
};

class UuidPrinter final : public ValuePrinter {
 public:
  using ValuePrinter::ValuePrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    const auto value = ValueOf<duckdb_hugeint>(duckdb_, vector, row);
    const uint64_t high = static_cast<uint64_t>(value.upper) ^ (uint64_t{1} << 63);  // So that they sort as numbers with a sign.
    fmt::format_to(std::back_inserter(out), "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xffff, value.lower >> 48, value.lower & 0xffffffffffff);
  }
};

int64_t FloorDivide(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// Days since 1970, by the proleptic Gregorian calendar; true: before our era.
bool AppendDate(int64_t days, std::string& out) {
  const int64_t shifted = days + 719'468;  // From March 1 of year 0, in eras of 400 years.
  const int64_t era = FloorDivide(shifted, 146'097);
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}", year > 0 ? year : 1 - year, month, day);
  return year <= 0;
}

// `fraction`: below a second, in units of 10^-digits.
void AppendTime(int64_t seconds, int64_t fraction, int digits, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (fraction == 0) return;
  fmt::format_to(std::back_inserter(out), ".{:0{}}", fraction, digits);
  while (out.back() == '0') out.pop_back();
}

void AppendOffset(int64_t seconds, std::string& out) {
  const int64_t minutes = std::abs(seconds) / 60;
  fmt::format_to(std::back_inserter(out), "{}{:02}", seconds < 0 ? '-' : '+', minutes / 60);
  if (minutes % 60 != 0) fmt::format_to(std::back_inserter(out), ":{:02}", minutes % 60);
}

class DatePrinter final : public ValuePrinter {
 public:
  using ValuePrinter::ValuePrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    const auto days = ValueOf<int32_t>(duckdb_, vector, row);
    if (days == std::numeric_limits<int32_t>::max()) return Append(out, "infinity");
    if (days == -std::numeric_limits<int32_t>::max()) return Append(out, "-infinity");
    if (AppendDate(days, out)) Append(out, " BC");
  }
};

/// Timestamps, and times of day where `of_day`.
class InstantPrinter final : public ValuePrinter {
 public:
  /// `digits`: of a unit's fraction of a second, 0 to 9.
  InstantPrinter(const DuckDbLibrary& duckdb, int digits, bool with_zone, bool of_day) : ValuePrinter(duckdb), digits_(digits), with_zone_(with_zone), of_day_(of_day) {
    for (int i = 0; i < digits; ++i) units_ *= 10;
  }
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    const auto value = ValueOf<int64_t>(duckdb_, vector, row);
    if (!of_day_ && value == std::numeric_limits<int64_t>::max()) return Append(out, "infinity");
    if (!of_day_ && value == -std::numeric_limits<int64_t>::max()) return Append(out, "-infinity");
    const int64_t seconds = FloorDivide(value, units_), days = of_day_ ? 0 : FloorDivide(seconds, kSecondsPerDay);
    bool before_our_era = false;
    if (!of_day_) {
      before_our_era = AppendDate(days, out);
      out += ' ';
    }
    AppendTime(seconds - days * kSecondsPerDay, value - seconds * units_, digits_, out);
    if (with_zone_) Append(out, "+00");
    if (before_our_era) Append(out, " BC");
  }

 private:
  const int digits_;
  const bool with_zone_, of_day_;
  int64_t units_ = 1;
};

class TimeWithZonePrinter final : public ValuePrinter {
 public:
  using ValuePrinter::ValuePrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    // 40 bits of microseconds, then 24 of the offset, counted down from its end so that they sort.
    constexpr int64_t kOffsetMax = 16 * 3600 - 1;
    const auto bits = ValueOf<uint64_t>(duckdb_, vector, row);
    const auto micros = static_cast<int64_t>(bits >> 24);
    AppendTime(micros / 1'000'000, micros % 1'000'000, 6, out);
    AppendOffset(kOffsetMax - static_cast<int64_t>(bits & 0xffffff), out);
  }
};

// As intervalstyle iso_8601 prints it.
class IntervalPrinter final : public ValuePrinter {
 public:
  using ValuePrinter::ValuePrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    const auto value = ValueOf<duckdb_interval>(duckdb_, vector, row);
    const auto add = [&](int64_t count, char unit) {
      if (count != 0) fmt::format_to(std::back_inserter(out), "{}{}", count, unit);
    };
    const size_t before = out.size();
    out += 'P';
    add(value.months / 12, 'Y');
    add(value.months % 12, 'M');
    add(value.days, 'D');
    const int64_t seconds = value.micros / 1'000'000, micros = value.micros % 1'000'000;
    if (value.micros != 0) out += 'T';
    add(seconds / 3600, 'H');
    add(seconds / 60 % 60, 'M');
    if (micros != 0) {
      fmt::format_to(std::back_inserter(out), "{}{}.{:06}", value.micros < 0 ? "-" : "", std::abs(seconds % 60), std::abs(micros));
      while (out.back() == '0') out.pop_back();
      out += 'S';
    } else {
      add(seconds % 60, 'S');
    }
    if (out.size() == before + 1) Append(out, "T0S");
  }
};

class EnumPrinter final : public ValuePrinter {
 public:
  /// `type` must outlive it.
  EnumPrinter(const DuckDbLibrary& duckdb, duckdb_logical_type type) : ValuePrinter(duckdb), stored_(duckdb.enum_internal_type(type)), type_(type) {}
  void Text(duckdb_vector vector, idx_t row, std::string& out) override {
    const idx_t index = stored_ == DUCKDB_TYPE_UTINYINT    ? ValueOf<uint8_t>(duckdb_, vector, row)
                        : stored_ == DUCKDB_TYPE_USMALLINT ? ValueOf<uint16_t>(duckdb_, vector, row)
                                                           : ValueOf<uint32_t>(duckdb_, vector, row);
    char* const label = duckdb_.enum_dictionary_value(type_, index);
    if (label == nullptr) return;
    Append(out, label);
    duckdb_.free(label);
  }

 private:
  const duckdb_type stored_;
  const duckdb_logical_type type_;
};

bool IsNull(const DuckDbLibrary& duckdb, duckdb_vector vector, idx_t row) {
  uint64_t* const validity = duckdb.vector_get_validity(vector);
  return validity != nullptr && !duckdb.validity_row_is_valid(validity, row);
}

void AppendJson(const DuckDbLibrary& duckdb, ValuePrinter& printer, duckdb_vector vector, idx_t row, std::string& out) {
  if (IsNull(duckdb, vector, row)) Append(out, "null"); else printer.Json(vector, row, out);
}

class NestedPrinter : public ValuePrinter {
 public:
  using ValuePrinter::ValuePrinter;
  void Text(duckdb_vector vector, idx_t row, std::string& out) override { Json(vector, row, out); }
};

/// Lists, and arrays of `fixed_length`.
class ListPrinter final : public NestedPrinter {
 public:
  ListPrinter(const DuckDbLibrary& duckdb, Printer element, idx_t fixed_length) : NestedPrinter(duckdb), element_(std::move(element)), fixed_length_(fixed_length) {}
  void Json(duckdb_vector vector, idx_t row, std::string& out) override {
    duckdb_list_entry entry{row * fixed_length_, fixed_length_};
    if (fixed_length_ == 0) entry = ValueOf<duckdb_list_entry>(duckdb_, vector, row);
    duckdb_vector const child = fixed_length_ == 0 ? duckdb_.list_vector_get_child(vector) : duckdb_.array_vector_get_child(vector);
    out += '[';
    for (idx_t i = 0; i < entry.length; ++i) {
      if (i > 0) out += ',';
      AppendJson(duckdb_, *element_, child, entry.offset + i, out);
    }
    out += ']';
  }

 private:
  const Printer element_;
  const idx_t fixed_length_;
};

class StructPrinter final : public NestedPrinter {
 public:
  StructPrinter(const DuckDbLibrary& duckdb, std::vector<std::pair<std::string, Printer>> members) : NestedPrinter(duckdb), members_(std::move(members)) {}
  void Json(duckdb_vector vector, idx_t row, std::string& out) override {
    out += '{';
    for (idx_t i = 0; i < members_.size(); ++i) {
      if (i > 0) out += ',';
      AppendJsonText(members_[i].first, out);
      out += ':';
      AppendJson(duckdb_, *members_[i].second, duckdb_.struct_vector_get_child(vector, i), row, out);
    }
    out += '}';
  }

 private:
  const std::vector<std::pair<std::string, Printer>> members_;
};

class MapPrinter final : public NestedPrinter {
 public:
  MapPrinter(const DuckDbLibrary& duckdb, Printer key, Printer value) : NestedPrinter(duckdb), key_(std::move(key)), value_(std::move(value)) {}
  void Json(duckdb_vector vector, idx_t row, std::string& out) override {
    const auto entry = ValueOf<duckdb_list_entry>(duckdb_, vector, row);
    duckdb_vector const entries = duckdb_.list_vector_get_child(vector);
    out += '{';
    for (idx_t i = 0; i < entry.length; ++i) {
      if (i > 0) out += ',';
      std::string key;
      key_->Text(duckdb_.struct_vector_get_child(entries, 0), entry.offset + i, key);
      AppendJsonText(key, out);
      out += ':';
      AppendJson(duckdb_, *value_, duckdb_.struct_vector_get_child(entries, 1), entry.offset + i, out);
    }
    out += '}';
  }

 private:
  const Printer key_, value_;
};

/// A type that was handed out, and goes with it.
class OwnedType {
 public:
  OwnedType(const DuckDbLibrary& duckdb, duckdb_logical_type type) : duckdb_(duckdb), type_(type) {}
  ~OwnedType() { duckdb_.destroy_logical_type(&type_); }
  OwnedType(const OwnedType&) = delete;
  OwnedType& operator=(const OwnedType&) = delete;
  duckdb_logical_type get() const { return type_; }

 private:
  const DuckDbLibrary& duckdb_;
  duckdb_logical_type type_;
};

constexpr int kNestingMax = 64;

Result<Printer> Make(const DuckDbLibrary& duckdb, duckdb_logical_type type, int nesting);

/// Holds the type for as long as its printer needs it.
class WithType final : public ValuePrinter {
 public:
  WithType(const DuckDbLibrary& duckdb, std::unique_ptr<OwnedType> type, Printer printer) : ValuePrinter(duckdb), type_(std::move(type)), printer_(std::move(printer)) {}
  void Text(duckdb_vector vector, idx_t row, std::string& out) override { printer_->Text(vector, row, out); }
  void Json(duckdb_vector vector, idx_t row, std::string& out) override { printer_->Json(vector, row, out); }
  bool is_number() const override { return printer_->is_number(); }

 private:
  const std::unique_ptr<OwnedType> type_;
  const Printer printer_;
};

Result<Printer> MakePart(const DuckDbLibrary& duckdb, duckdb_logical_type owned, int nesting) {
  auto type = std::make_unique<OwnedType>(duckdb, owned);
  ASSIGN_OR_RETURN(Printer printer, Make(duckdb, type->get(), nesting + 1));
  return Printer(new WithType(duckdb, std::move(type), std::move(printer)));
}

Result<Printer> MakeStruct(const DuckDbLibrary& duckdb, duckdb_logical_type type, int nesting) {
  std::vector<std::pair<std::string, Printer>> members;
  for (idx_t i = 0; i < duckdb.struct_type_child_count(type); ++i) {
    char* const name = duckdb.struct_type_child_name(type, i);
    std::string kept = name == nullptr ? "" : name;
    duckdb.free(name);
    ASSIGN_OR_RETURN(Printer printer, MakePart(duckdb, duckdb.struct_type_child_type(type, i), nesting));
    members.emplace_back(std::move(kept), std::move(printer));
  }
  return Printer(new StructPrinter(duckdb, std::move(members)));
}

Result<Printer> MakeNested(const DuckDbLibrary& duckdb, duckdb_logical_type type, duckdb_type id, int nesting) {
  if (id == DUCKDB_TYPE_STRUCT) return MakeStruct(duckdb, type, nesting);
  if (id == DUCKDB_TYPE_MAP) {
    ASSIGN_OR_RETURN(Printer key, MakePart(duckdb, duckdb.map_type_key_type(type), nesting));
    ASSIGN_OR_RETURN(Printer value, MakePart(duckdb, duckdb.map_type_value_type(type), nesting));
    return Printer(new MapPrinter(duckdb, std::move(key), std::move(value)));
  }
  const bool is_array = id == DUCKDB_TYPE_ARRAY;
  ASSIGN_OR_RETURN(Printer element, MakePart(duckdb, is_array ? duckdb.array_type_child_type(type) : duckdb.list_type_child_type(type), nesting));
  return Printer(new ListPrinter(duckdb, std::move(element), is_array ? duckdb.array_type_array_size(type) : 0));
}

Result<Printer> Make(const DuckDbLibrary& duckdb, duckdb_logical_type type, int nesting) {
  const duckdb_type id = duckdb.get_type_id(type);
  switch (id) {
    case DUCKDB_TYPE_BOOLEAN: return Printer(new BoolPrinter(duckdb));
    case DUCKDB_TYPE_TINYINT: return Printer(new IntegerPrinter<int8_t>(duckdb));
    case DUCKDB_TYPE_SMALLINT: return Printer(new IntegerPrinter<int16_t>(duckdb));
    case DUCKDB_TYPE_INTEGER: return Printer(new IntegerPrinter<int32_t>(duckdb));
    case DUCKDB_TYPE_BIGINT: return Printer(new IntegerPrinter<int64_t>(duckdb));
    case DUCKDB_TYPE_UTINYINT: return Printer(new IntegerPrinter<uint8_t>(duckdb));
    case DUCKDB_TYPE_USMALLINT: return Printer(new IntegerPrinter<uint16_t>(duckdb));
    case DUCKDB_TYPE_UINTEGER: return Printer(new IntegerPrinter<uint32_t>(duckdb));
    case DUCKDB_TYPE_UBIGINT: return Printer(new UnsignedPrinter(duckdb));
    case DUCKDB_TYPE_HUGEINT: return Printer(new HugePrinter(duckdb, true));
    case DUCKDB_TYPE_UHUGEINT: return Printer(new HugePrinter(duckdb, false));
    case DUCKDB_TYPE_FLOAT: return Printer(new FloatPrinter<float>(duckdb));
    case DUCKDB_TYPE_DOUBLE: return Printer(new FloatPrinter<double>(duckdb));
    case DUCKDB_TYPE_DECIMAL: return Printer(new DecimalPrinter(duckdb, duckdb.decimal_internal_type(type), duckdb.decimal_scale(type)));
    case DUCKDB_TYPE_VARCHAR: return Printer(new BytesPrinter(duckdb, false));
    case DUCKDB_TYPE_BLOB: return Printer(new BytesPrinter(duckdb, true));
    case DUCKDB_TYPE_UUID: return Printer(new UuidPrinter(duckdb));
    case DUCKDB_TYPE_DATE: return Printer(new DatePrinter(duckdb));
    case DUCKDB_TYPE_TIME: return Printer(new InstantPrinter(duckdb, 6, false, true));
    case DUCKDB_TYPE_TIME_NS: return Printer(new InstantPrinter(duckdb, 9, false, true));
    case DUCKDB_TYPE_TIME_TZ: return Printer(new TimeWithZonePrinter(duckdb));
    case DUCKDB_TYPE_TIMESTAMP: return Printer(new InstantPrinter(duckdb, 6, false, false));
    case DUCKDB_TYPE_TIMESTAMP_S: return Printer(new InstantPrinter(duckdb, 0, false, false));
    case DUCKDB_TYPE_TIMESTAMP_MS: return Printer(new InstantPrinter(duckdb, 3, false, false));
    case DUCKDB_TYPE_TIMESTAMP_NS: return Printer(new InstantPrinter(duckdb, 9, false, false));
    case DUCKDB_TYPE_TIMESTAMP_TZ: return Printer(new InstantPrinter(duckdb, 6, true, false));
    case DUCKDB_TYPE_INTERVAL: return Printer(new IntervalPrinter(duckdb));
    case DUCKDB_TYPE_ENUM: return Printer(new EnumPrinter(duckdb, type));
    case DUCKDB_TYPE_SQLNULL: return Printer(new IntegerPrinter<int32_t>(duckdb));  // Never has a value.
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_STRUCT:
      if (nesting < kNestingMax) return MakeNested(duckdb, type, id, nesting);
      break;
    default: break;  // Kinds of a later DuckDB too.
  }
  return Error{ErrorKind::kNeedsOperator, "a column has a type that is not printed", slu::kSqlFailed, "", "", {"cast it in the query: column::VARCHAR"}};
}

}  // namespace

void ValuePrinter::Json(duckdb_vector vector, idx_t row, std::string& out) {
  std::string text;
  Text(vector, row, text);
  AppendJsonText(text, out);
}

void AppendJsonText(std::string_view text, std::string& out) {
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<std::unique_ptr<ValuePrinter>> MakeValuePrinter(const DuckDbLibrary& duckdb, duckdb_logical_type type) { return MakePart(duckdb, type, 0); }

}  // namespace sluice
