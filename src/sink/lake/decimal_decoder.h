#pragma once

#include <memory>

#include "sink/lake/value_decoder.h"

namespace sluice {

/// numeric(p,s) to an unscaled 128-bit number, exactly; what doesn't fit follows its policy.
std::unique_ptr<ValueDecoder> MakeDecimalFromNumeric(int32_t precision, int32_t scale);
/// money: the number of cents.
std::unique_ptr<ValueDecoder> MakeDecimalFromInt64();
/// xid8.
std::unique_ptr<ValueDecoder> MakeDecimalFromUint64();

}  // namespace sluice
