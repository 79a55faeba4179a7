#pragma once
// The types whose values are fuzzed: every built-in one, and one of each way to make a type of others.

#include <cstdint>
#include <vector>

#include "change/type.h"

namespace sluice::fuzz {

struct ValueType {
  TypePtr type;
  int32_t typmod = -1;
};

/// Order is part of the corpus: add at the end.
const std::vector<ValueType>& ValueTypes();

}  // namespace sluice::fuzz
