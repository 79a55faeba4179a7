#pragma once
// Binary values of arrays and composites carry type OIDs. Those of private types (enums, domains, composites,
// extension types) differ between two databases, so they are rewritten in place; no value changes its size.
//
// Array:      dimensions: int32 | has nulls: int32 | element OID | per dimension: size, lower bound: int32
//             | per element: length: int32 (-1: null), value
// Composite:  fields: int32 | per field: OID, length: int32 (-1: null), value
// Range:      flags: byte | per bound that is there: length: int32, value
// Multirange: count: int32 | per range: length: int32, range
// Domains are sent as their base type, enums as their label.

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "change/type.h"

namespace sluice {

/// Source OID → destination OID, of private types.
using OidMap = std::map<Oid, Oid>;

class OidTranslation {
 public:
  /// A type without private OIDs in its values passes through. OIDs missing in `map` become 0: that is how
  /// a digest neutralises them.
  static OidTranslation Of(const Type& type, const OidMap& map);

  bool pass_through() const { return pass_through_; }

  /// Rewrites the OIDs of one value. Error: kCorrupt if the bytes contradict the format.
  Status Rewrite(std::span<std::byte> value) const;

 private:
  bool pass_through_ = true;
  TypeKind kind_ = TypeKind::kBase;
  std::vector<Oid> oids_;                 ///< Of the element, or of each field.
  std::vector<OidTranslation> below_;     ///< Likewise.
};

/// Adds to `types` every type whose OID can stand in a value of `type`.
void CollectPrivateTypes(const Type& type, std::map<Oid, const Type*>& types);

}  // namespace sluice
