#pragma once
// Which Iceberg type holds a PostgreSQL type. Profile "portable": what every reader reads, so no time (Spark
// has none), no fixed, no struct.

#include <memory>

#include "change/type.h"
#include "config/lake_readers.h"
#include "iceberg/type.h"

namespace arrow {
class DataType;
class Field;
}  // namespace arrow

namespace sluice {

/// What the lake can't hold exactly, and does instead.
enum class Loss : uint8_t {
  kNone,
  kInfinity,       ///< ±infinity and years outside 1 to 9999 become NULL.
  kNotANumber,     ///< NaN and ±Infinity become NULL.
  kArrayShape,     ///< Arrays of other than one dimension from 1 become NULL.
  kOidAsNumber,    ///< A name that only the source can look up is held as its number.
  kUnknownBinary,  ///< No text can be made of the type's binary form: its bytes in hexadecimal.
};

struct LakeType {
  iceberg::Type type;  ///< A list's element id is 0 until the schema assigns ids.
  Loss loss = Loss::kNone;
};

/// int2vector and oidvector: arrays by their form on the wire, but not by the text that everybody knows them by.
bool IsVector(const Type& type);

/// An array that is held as a list. One whose elements are arrays again, by a domain, is held as JSON.
bool IsFlatArray(const Type& type);

/// `needs`: of the lake's readers. Never fails: a type that nobody knows is a string.
LakeType MapType(const Type& type, int32_t typmod, const ReaderNeeds& needs = {});

/// Whether `held`, apart from element ids, is what MapType makes of the type for some readers.
bool MayBeHeldAs(const Type& type, int32_t typmod, const iceberg::Type& held);

/// Equal but for element ids.
bool SameType(const iceberg::Type& left, const iceberg::Type& right);

/// Precision and scale of numeric(precision, scale), where a decimal of 38 digits can hold it.
struct NumericShape {
  int32_t precision = 0;
  int32_t scale = 0;
};
bool FitsDecimal(int32_t typmod, NumericShape& shape);

/// The column of Arrow and Parquet for an Iceberg field, with field ids.
std::shared_ptr<arrow::Field> ToArrowField(const iceberg::Field& field);

}  // namespace sluice
