#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"

namespace sluice {

/// Takes the rows of an initial copy in the order they are read.
class RowReceiver {
 public:
  virtual ~RowReceiver() = default;

  /// `rows`: whole tuples of binary COPY (int16 field count, then per field int32 length, -1 for null, and
  /// bytes), without file header and trailer; columns in the order of TableSchema::columns. Types without a
  /// binary form come as their text. `count`: how many tuples.
  /// Source: PostgreSQL manual, COPY, "Binary Format".
  virtual Status Rows(Bytes rows, size_t count) = 0;
};

}  // namespace sluice
