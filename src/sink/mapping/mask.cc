#include "sink/mapping/mask.h"

#include "sink/mapping/mask_value.h"

namespace sluice::mapping {
namespace {

constexpr Oid kTextOid = 25;

// A masked text travels as its column did: what comes as text because its type has no binary form leaves as text, so
// that nobody takes the whole stream for a text one.
TypePtr TextLike(const TypePtr& type) {
  const auto make = [](bool has_binary) {
    Type text;
    text.oid = kTextOid;
    text.name_space = "pg_catalog";
    text.name = "text";
    text.has_binary = has_binary;
    return std::make_shared<const Type>(std::move(text));
  };
  static const TypePtr binary = make(true);
  static const TypePtr as_text = make(false);
  return type == nullptr || (type->has_binary && BaseOf(*type).has_binary) ? binary : as_text;
}

bool Fits(const MaskConfig& config, ScalarKind kind) {
  switch (config.kind) {
    case MaskKind::kHash: return kind != ScalarKind::kOther;
    case MaskKind::kRedact:
    case MaskKind::kNull: return true;
    case MaskKind::kPartial: return IsTextLike(kind);
    case MaskKind::kTruncate: break;
  }
  if (!config.unit) return IsTextLike(kind) || IsInteger(kind) || kind == ScalarKind::kNumeric;
  if (kind == ScalarKind::kDate) return *config.unit != TimeUnit::kHour;
  return kind == ScalarKind::kTimestamp || kind == ScalarKind::kTimestamptz;
}

}  // namespace

std::optional<Mask> Mask::For(const MaskConfig& config, const Column& column) {
  if (!Fits(config, KindOf(column.type.get()))) return std::nullopt;
  return Mask(config, column);
}

Mask::Mask(const MaskConfig& config, const Column& column) : config_(config), kind_(KindOf(column.type.get())), column_(column) {
  always_null_ = config.kind == MaskKind::kNull || (config.kind == MaskKind::kRedact && !IsTextLike(kind_));
  changes_type_ = !always_null_ && config.kind != MaskKind::kTruncate;
  if (config.kind == MaskKind::kHash) key_ = std::make_shared<const HmacKey>(config.salt);
  if (always_null_) column_.not_null = false;
  column_.old_rows_hold.reset();  // It is not masked.
  if (!changes_type_) return;
  column_.type = TextLike(column.type);
  column_.typmod = -1;
}

bool Mask::Apply(const Value& value, MaskWork& work) const {
  work.value.clear();
  if (config_.kind == MaskKind::kTruncate) return Truncate(value, work);
  if (config_.kind == MaskKind::kRedact) return work.value = kRedacted, true;
  Scalar scalar;
  if (!Decode(kind_, value, work.scratch, scalar)) return false;
  if (config_.kind == MaskKind::kPartial) return AppendPartial(scalar.text, config_.keep_first, config_.keep_last, work.value), true;
  work.canonical.clear();
  AppendCanonical(kind_, scalar, work.canonical);
  work.hmac.AppendHex(*key_, work.canonical, work.value);
  return true;
}

bool Mask::Truncate(const Value& value, MaskWork& work) const {
  const bool binary = value.kind == ValueKind::kBinary;
  if (IsTextLike(kind_)) return AppendFirst(AsText(value.bytes), config_.width, kind_ == ScalarKind::kPaddedText, work.value), true;
  if (kind_ == ScalarKind::kNumeric)
    return binary ? TruncateBinaryNumeric(value.bytes, config_.width, work.value) : TruncateTextNumeric(AsText(value.bytes), config_.width, work.value);
  Scalar scalar;
  if (!Decode(kind_, value, work.scratch, scalar)) return false;
  if (IsInteger(kind_)) scalar.number -= scalar.number % config_.width;
  if (kind_ == ScalarKind::kDate) scalar.number = TruncateDate(scalar.number, *config_.unit);
  if (kind_ == ScalarKind::kTimestamp || kind_ == ScalarKind::kTimestamptz) scalar.number = TruncateTimestamp(scalar.number, *config_.unit);
  if (!binary) return AppendCanonical(kind_, scalar, work.value), true;
  AppendBinaryNumber(kind_, scalar.number, work.value);
  return true;
}

}  // namespace sluice::mapping
