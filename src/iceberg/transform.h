#pragma once
// How a partition value comes from a column's value.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "iceberg/literal.h"
#include "iceberg/type.h"

namespace sluice::iceberg {

struct Transform {
  enum class Kind { kIdentity, kBucket, kTruncate, kYear, kMonth, kDay, kHour, kVoid };

  Kind kind = Kind::kIdentity;
  int32_t width = 0;  ///< N of bucket[N], W of truncate[W].

  bool operator==(const Transform&) const = default;
};

/// As the specification spells it: "identity", "bucket[16]", "day", …
std::string ToString(const Transform& transform);
Result<Transform> ParseTransform(std::string_view text);

/// The type of the transform's values. Error: kNeedsOperator if it doesn't apply to `source`.
Result<Type> ResultType(const Transform& transform, const Type& source);

/// The partition value of `value`, a value of type `source` to which the transform applies. Null
/// gives null.
Literal Apply(const Transform& transform, const Type& source, const Literal& value);

/// Murmur3 (x86, 32 bits, seed 0) of a value as bucket[N] takes it. `value` is not null.
int32_t BucketHash(const Type& source, const Literal& value);

/// As people and paths write it: "2026-07-01" for a day, "2026-07-01-13" for an hour, "null".
std::string ToHumanText(const Transform& transform, const Type& source,
                        const Literal& partition_value);

}  // namespace sluice::iceberg
