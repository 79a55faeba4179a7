#pragma once
// What a column's values are, as the source's pg_type says.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

using Oid = uint32_t;

/// OIDs below this are the same in every PostgreSQL; above it they are private to one database.
inline constexpr Oid kFirstPrivateOid = 16384;

enum class TypeKind { kBase, kArray, kEnum, kDomain, kComposite, kRange, kMultirange };

struct Type;
using TypePtr = std::shared_ptr<const Type>;

struct CompositeField {
  std::string name;
  TypePtr type;
  int32_t typmod = -1;
};

/// One type of the source. Immutable once built; shared by all columns that have it.
struct Type {
  Oid oid = 0;
  std::string name_space;  ///< Its PostgreSQL schema, e.g. "pg_catalog".
  std::string name;
  TypeKind kind = TypeKind::kBase;
  bool has_binary = true;  ///< Both send and receive functions exist; otherwise its values come as text.
  std::string extension;   ///< The extension that owns it, or empty.
  TypePtr element;         ///< Of an array, range or multirange; the base type of a domain.
  int32_t element_typmod = -1;          ///< Of a domain: the base type's typmod.
  char array_delimiter = ',';
  std::vector<CompositeField> fields;   ///< Of a composite.
  std::vector<std::string> labels;      ///< Of an enum, in its sort order.

  bool is_private() const { return oid >= kFirstPrivateOid; }
};

/// The type below all domains.
inline const Type& BaseOf(const Type& type) {
  return type.kind == TypeKind::kDomain && type.element ? BaseOf(*type.element) : type;
}

}  // namespace sluice
