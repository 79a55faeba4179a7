#include "source/postgres/type_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "source/postgres/catalog_rows.h"

namespace sluice {
namespace {

// An array is what its element names as its array type: point and int2vector have a typelem too, but are no arrays.
constexpr const char* kWanted =
    "WITH RECURSIVE wanted(oid) AS ("
    "  SELECT unnest($1::oid[])"
    " UNION"
    "  SELECT part.oid FROM wanted w JOIN pg_type t ON t.oid = w.oid CROSS JOIN LATERAL ("
    "    SELECT e.oid FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid"
    "    UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'"
    "    UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid"
    "    UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid"
    "    UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped"
    "  ) part(oid))";

constexpr const char* kTypes =
    " SELECT t.oid, n.nspname, t.typname, CASE WHEN e.oid IS NOT NULL THEN 'A' ELSE t.typtype END,"
    "  t.typsend <> 0 AND t.typreceive <> 0, x.extname,"
    "  coalesce(e.oid, nullif(t.typbasetype, 0), r.rngsubtype, m.rngtypid), t.typtypmod, coalesce(e.typdelim, t.typdelim)"
    "  FROM (SELECT DISTINCT oid FROM wanted) w JOIN pg_type t ON t.oid = w.oid JOIN pg_namespace n ON n.oid = t.typnamespace"
    "  LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid"
    "  LEFT JOIN pg_range r ON r.rngtypid = t.oid LEFT JOIN pg_range m ON m.rngmultitypid = t.oid"
    "  LEFT JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = coalesce(e.oid, t.oid) AND d.deptype = 'e'"
    "  LEFT JOIN pg_extension x ON x.oid = d.refobjid";

constexpr const char* kFields =
    " SELECT t.oid, a.attname, a.atttypid, a.atttypmod FROM (SELECT DISTINCT oid FROM wanted) w JOIN pg_type t ON t.oid = w.oid AND t.typtype = 'c'"
    "  JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY t.oid, a.attnum";

constexpr const char* kLabels =
    " SELECT l.enumtypid, l.enumlabel FROM (SELECT DISTINCT oid FROM wanted) w JOIN pg_enum l ON l.enumtypid = w.oid ORDER BY l.enumtypid, l.enumsortorder";

TypeKind KindOf(char typtype) {
  switch (typtype) {
    case 'A': return TypeKind::kArray;
    case 'e': return TypeKind::kEnum;
    case 'd': return TypeKind::kDomain;
    case 'c': return TypeKind::kComposite;
    case 'r': return TypeKind::kRange;
    case 'm': return TypeKind::kMultirange;
    default: return TypeKind::kBase;
  }
}

struct RawType {
  Type type;
  Oid element = 0;
  std::vector<Oid> field_types;  ///< As long as type.fields.
};

/// Puts raw types together, parts first.
class TypeAssembly {
 public:
  explicit TypeAssembly(std::map<Oid, RawType> raw) : raw_(std::move(raw)) {}

  TypesByOid Run() {
    for (const auto& [oid, type] : raw_) Get(oid);
    return std::move(done_);
  }

 private:
  TypePtr Get(Oid oid) {
    if (const auto found = done_.find(oid); found != done_.end()) return found->second;
    const auto raw = raw_.find(oid);
    // The second condition never holds in a sound catalog: no type contains itself.
    if (raw == raw_.end() || !in_progress_.insert(oid).second) return nullptr;
    Type type = std::move(raw->second.type);
    if (raw->second.element != 0) {
      type.element = Get(raw->second.element);
      type.has_binary = type.has_binary && type.element && type.element->has_binary;
    }
    for (size_t i = 0; i < type.fields.size(); ++i) {
      type.fields[i].type = Get(raw->second.field_types[i]);
      type.has_binary = type.has_binary && type.fields[i].type && type.fields[i].type->has_binary;
    }
    return done_[oid] = std::make_shared<const Type>(std::move(type));
  }

  std::map<Oid, RawType> raw_;
  std::set<Oid> in_progress_;
  TypesByOid done_;
};

}  // namespace

bool IsObjectReference(Oid type) {
  constexpr Oid kReferences[] = {24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191, 8326};
  return std::find(std::begin(kReferences), std::end(kReferences), type) != std::end(kReferences);
}

bool BinaryStreamMisleads(const Type& type) {
  if (type.has_binary) return false;
  const Type& base = BaseOf(type);
  // A base type without send function comes as text in a binary stream too, and says so.
  return base.kind != TypeKind::kBase || IsObjectReference(base.oid);
}

Result<TypesByOid> ReadTypes(PgConnection& connection, const std::vector<Oid>& oids) {
  const std::vector<std::optional<std::string>> parameters{OidArray(oids)};
  ASSIGN_OR_RETURN(const PgResult types, connection.Execute(std::string(kWanted) + kTypes, parameters));
  ASSIGN_OR_RETURN(const PgResult fields, connection.Execute(std::string(kWanted) + kFields, parameters));
  ASSIGN_OR_RETURN(const PgResult labels, connection.Execute(std::string(kWanted) + kLabels, parameters));
  std::map<Oid, RawType> raw;
  for (int row = 0; row < PQntuples(types.get()); ++row) {
    RawType& entry = raw[OidAt(types, row, 0)];
    Type& type = entry.type;
    type.oid = OidAt(types, row, 0);
    type.name_space = TextAt(types, row, 1);
    type.name = TextAt(types, row, 2);
    type.kind = KindOf(CharAt(types, row, 3));
    type.has_binary = BoolAt(types, row, 4) && !IsObjectReference(type.oid);
    type.extension = TextAt(types, row, 5);
    entry.element = OidAt(types, row, 6);
    type.element_typmod = type.kind == TypeKind::kDomain ? NumberAt<int32_t>(types, row, 7) : -1;
    type.array_delimiter = CharAt(types, row, 8);
  }
  for (int row = 0; row < PQntuples(fields.get()); ++row) {
    RawType& entry = raw[OidAt(fields, row, 0)];
    entry.type.fields.push_back({TextAt(fields, row, 1), nullptr, NumberAt<int32_t>(fields, row, 3)});
    entry.field_types.push_back(OidAt(fields, row, 2));
  }
  for (int row = 0; row < PQntuples(labels.get()); ++row) raw[OidAt(labels, row, 0)].type.labels.push_back(TextAt(labels, row, 1));
  return TypeAssembly(std::move(raw)).Run();
}

}  // namespace sluice
