#include "sink/replica/oid_translation.h"

#include "base/bytes.h"

namespace sluice {
namespace {

constexpr int kRangeEmpty = 0x01;
constexpr int kRangeNoLower = 0x08 | 0x20;  // Infinite, or null.
constexpr int kRangeNoUpper = 0x10 | 0x40;

const Error kMalformed{ErrorKind::kCorrupt, "a binary value contradicts its type's format"};

// Walks over a value that may be changed; after a read beyond the end, ok() is false.
class Walker {
 public:
  explicit Walker(std::span<std::byte> value) : rest_(value) {}

  std::span<std::byte> Take(size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  int32_t Int32() {
    const auto field = Take(4);
    return field.size() == 4 ? LoadBigEndian<int32_t>(field.data()) : 0;
  }
  /// A length and as many bytes; nothing for null (-1).
  std::span<std::byte> Sized(bool& null) {
    const int32_t length = Int32();
    null = length < 0;
    return null ? std::span<std::byte>() : Take(static_cast<size_t>(length));
  }
  void PutOid(Oid oid) {
    const auto field = Take(4);
    if (field.size() == 4) StoreBigEndian<uint32_t>(field.data(), oid);
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }
  size_t rest_size() const { return rest_.size(); }

 private:
  std::span<std::byte> rest_;
  bool ok_ = true;
};

Oid Mapped(const Type& type, const OidMap& map) {
  if (!type.is_private()) return type.oid;
  const auto found = map.find(type.oid);
  return found == map.end() ? 0 : found->second;
}

}  // namespace

OidTranslation OidTranslation::Of(const Type& outer, const OidMap& map) {
  const Type& type = BaseOf(outer);
  OidTranslation translation;
  translation.kind_ = type.kind;
  const auto add = [&](const Type& below) {
    translation.oids_.push_back(Mapped(below, map));
    translation.below_.push_back(Of(below, map));
    if (!translation.below_.back().pass_through()) translation.pass_through_ = false;
  };
  if (type.kind == TypeKind::kArray && type.element) {
    add(*type.element);
    if (type.element->is_private()) translation.pass_through_ = false;
  } else if (type.kind == TypeKind::kComposite) {
    for (const CompositeField& field : type.fields) {
      add(*field.type);
      if (field.type->is_private()) translation.pass_through_ = false;
    }
  } else if ((type.kind == TypeKind::kRange || type.kind == TypeKind::kMultirange) && type.element) {
    // A multirange's element may be given as its range or as the range's subtype.
    if (type.kind == TypeKind::kMultirange && type.element->kind != TypeKind::kRange) {
      OidTranslation range;
      range.kind_ = TypeKind::kRange;
      range.oids_.push_back(0);
      range.below_.push_back(Of(*type.element, map));
      range.pass_through_ = range.below_.front().pass_through();
      translation.oids_.push_back(0);
      translation.pass_through_ = range.pass_through_;
      translation.below_.push_back(std::move(range));
    } else {
      add(*type.element);
    }
  }
  return translation;
}

Status OidTranslation::Rewrite(std::span<std::byte> value) const {
  if (pass_through_) return Ok();
  Walker walker(value);
  bool null = false;
  switch (kind_) {
    case TypeKind::kArray: {
      const int32_t dimensions = walker.Int32();
      walker.Int32();
      walker.PutOid(oids_.front());
      if (dimensions < 0 || dimensions > 6) return kMalformed;
      walker.Take(static_cast<size_t>(dimensions) * 8);
      while (walker.ok() && walker.rest_size() > 0) {
        const auto element = walker.Sized(null);
        if (!null && walker.ok()) RETURN_IF_ERROR(below_.front().Rewrite(element));
      }
      break;
    }
    case TypeKind::kComposite: {
      const int32_t fields = walker.Int32();
      if (fields < 0 || static_cast<size_t>(fields) != below_.size()) return kMalformed;
      for (size_t i = 0; i < below_.size(); ++i) {
        walker.PutOid(oids_[i]);
        const auto field = walker.Sized(null);
        if (!null && walker.ok()) RETURN_IF_ERROR(below_[i].Rewrite(field));
      }
      break;
    }
    case TypeKind::kRange: {
      const auto flags_byte = walker.Take(1);
      if (flags_byte.empty()) return kMalformed;
      const int flags = std::to_integer<int>(flags_byte[0]);
      for (const int absent : {kRangeEmpty | kRangeNoLower, kRangeEmpty | kRangeNoUpper}) {
        if ((flags & absent) != 0) continue;
        const auto bound = walker.Sized(null);
        if (!null && walker.ok()) RETURN_IF_ERROR(below_.front().Rewrite(bound));
      }
      break;
    }
    case TypeKind::kMultirange: {
      walker.Int32();
      while (walker.ok() && walker.rest_size() > 0) {
        const auto range = walker.Sized(null);
        if (!null && walker.ok()) RETURN_IF_ERROR(below_.front().Rewrite(range));
      }
      break;
    }
    case TypeKind::kBase:
    case TypeKind::kEnum:
    case TypeKind::kDomain:
      return Ok();
  }
  if (!walker.at_end()) return kMalformed;
  return Ok();
}

void CollectPrivateTypes(const Type& type, std::map<Oid, const Type*>& types) {
  if (type.is_private()) types.emplace(type.oid, &type);
  if (type.element) CollectPrivateTypes(*type.element, types);
  for (const CompositeField& field : type.fields) CollectPrivateTypes(*field.type, types);
}

}  // namespace sluice
