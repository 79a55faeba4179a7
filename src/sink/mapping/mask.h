#pragma once
// One mask for one column: what type its values have behind it, and the values.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "change/table_schema.h"
#include "config/mapping_config.h"
#include "sink/mapping/hmac.h"
#include "sink/mapping/scalar.h"

namespace sluice::mapping {

/// What masking works with, so that a value costs no allocation. One thread at a time.
struct MaskWork {
  Hmac hmac;
  std::string scratch, canonical, value;
};

class Mask {
 public:
  /// nullopt: the mask does not fit the column's type.
  static std::optional<Mask> For(const MaskConfig& config, const Column& column);

  /// The column as a sink sees it: with the type of masked values, and nullable where they may be NULL.
  const Column& column() const { return column_; }
  /// Equal values stay equal and different ones different.
  bool keeps_identity() const { return config_.kind == MaskKind::kHash; }
  bool changes_type() const { return changes_type_; }
  bool always_null() const { return always_null_; }

  /// The masked value of one that is neither null nor unchanged, in the form it came in, in work.value.
  /// False: the value contradicts its type. Not to be called if always_null().
  bool Apply(const Value& value, MaskWork& work) const;

 private:
  Mask(const MaskConfig& config, const Column& column);

  bool Truncate(const Value& value, MaskWork& work) const;

  MaskConfig config_;
  ScalarKind kind_;
  Column column_;
  std::shared_ptr<const HmacKey> key_;
  bool changes_type_ = false;
  bool always_null_ = false;
};

}  // namespace sluice::mapping
