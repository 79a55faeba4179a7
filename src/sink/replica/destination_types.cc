#include "sink/replica/destination_types.h"

#include <fmt/format.h>

#include <charconv>

#include "observability/errors/replica_codes.h"
#include "postgres/quote.h"
#include "sink/replica/namespaces.h"

namespace sluice {
namespace {

Oid ParseOid(std::string_view text) {
  Oid oid = 0;
  std::from_chars(text.data(), text.data() + text.size(), oid);
  return oid;
}

std::string ShownName(const Type& type) { return type.name_space + "." + type.name; }

Error Differs(const Type& type, const std::string& difference) {
  return Error{ErrorKind::kNeedsOperator,
               fmt::format("type {} exists on the replica, but {}", ShownName(type), difference),
               slu::kReplicaTypeDiffers};
}

// The subtype below a range or multirange, whichever of the two the source put as its element.
const Type& SubtypeOf(const Type& range) {
  return range.element->kind == TypeKind::kRange ? *range.element->element : *range.element;
}

}  // namespace

Result<Oid> DestinationTypes::Find(const Type& type) {
  if (!type.is_private()) return type.oid;
  if (const auto known = found_.find(type.oid); known != found_.end()) return known->second;
  PgResult found;
  if (type.kind == TypeKind::kArray && type.element) {
    ASSIGN_OR_RETURN(const Oid element, Find(*type.element));
    if (element == 0) return Oid{0};
    ASSIGN_OR_RETURN(found, connection_.Execute("SELECT typarray FROM pg_catalog.pg_type WHERE oid = $1::text::oid",
                                                {std::to_string(element)}));
  } else if (!type.extension.empty()) {
    // The extension may have been installed into another namespace here.
    ASSIGN_OR_RETURN(
        found, connection_.Execute(
                   "SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_depend d ON d.classid ="
                   " 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'"
                   " JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass"
                   " AND e.oid = d.refobjid WHERE e.extname = $1 AND t.typname = $2",
                   {type.extension, type.name}));
  } else {
    ASSIGN_OR_RETURN(found, connection_.Execute("SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n"
                                                " ON n.oid = t.typnamespace WHERE n.nspname = $1 AND t.typname = $2",
                                                {type.name_space, type.name}));
  }
  if (PQntuples(found.get()) == 0) return Oid{0};
  const Oid oid = ParseOid(Field(found, 0, 0));
  if (oid != 0) found_.emplace(type.oid, oid);
  return oid;
}

Result<Oid> DestinationTypes::Resolve(const Type& type) {
  ASSIGN_OR_RETURN(const Oid oid, Find(type));
  if (oid == 0)
    return Error{ErrorKind::kNeedsOperator, fmt::format("type {} does not exist on the replica", ShownName(type)),
                 slu::kReplicaTypeDiffers};
  return oid;
}

Result<std::string> DestinationTypes::Sql(const Type& type, int32_t typmod) {
  ASSIGN_OR_RETURN(const Oid oid, Resolve(type));
  std::string& sql = sql_[{oid, typmod}];
  if (sql.empty()) {
    ASSIGN_OR_RETURN(sql, connection_.QueryValue("SELECT pg_catalog.format_type($1::text::oid, $2::text::int4)",
                                                 {std::to_string(oid), typmod < 0 ? std::optional<std::string>()
                                                                                  : std::to_string(typmod)}));
  }
  return sql;
}

Status DestinationTypes::AddTo(OidMap& map, const Type& type) {
  std::map<Oid, const Type*> types;
  CollectPrivateTypes(type, types);
  for (const auto& [oid, below] : types) {
    ASSIGN_OR_RETURN(map[oid], Resolve(*below));
  }
  return Ok();
}

Status DestinationTypes::Ensure(const Type& type) {
  if (!type.is_private() || found_.contains(type.oid)) return Ok();
  if (type.element) RETURN_IF_ERROR(Ensure(*type.element));
  for (const CompositeField& field : type.fields) RETURN_IF_ERROR(Ensure(*field.type));
  ASSIGN_OR_RETURN(Oid oid, Find(type));
  if (oid != 0) return CompareExisting(type, oid);
  RETURN_IF_ERROR(Make(type));
  const auto made = Resolve(type);
  return made.ok() ? Status() : made.error();
}

Status DestinationTypes::Make(const Type& type) {
  if (!type.extension.empty()) {
    RETURN_IF_ERROR(EnsureNamespace(connection_, type.name_space));
    const auto made = connection_.Execute("CREATE EXTENSION IF NOT EXISTS " + QuoteIdentifier(type.extension) +
                                          " WITH SCHEMA " + QuoteIdentifier(type.name_space));
    if (made.ok()) return Ok();
    if (made.error().kind == ErrorKind::kUnavailable) return made.error();
    return Error{ErrorKind::kNeedsOperator,
                 fmt::format("type {} needs extension {} on the replica", ShownName(type), type.extension),
                 slu::kReplicaExtensionMissing, made.error().evidence, {},
                 {"CREATE EXTENSION " + QuoteIdentifier(type.extension) + ";   -- in the replica's database"}};
  }
  const std::string name = QuoteName({type.name_space, type.name});
  std::string sql;
  switch (type.kind) {
    case TypeKind::kEnum: {
      sql = "CREATE TYPE " + name + " AS ENUM (";
      for (size_t i = 0; i < type.labels.size(); ++i) sql += (i > 0 ? ", " : "") + QuoteLiteral(type.labels[i]);
      sql += ")";
      break;
    }
    case TypeKind::kDomain: {
      // Its checks have held on the source; without them no function of the source must exist here.
      ASSIGN_OR_RETURN(const std::string base, Sql(*type.element, type.element_typmod));
      sql = "CREATE DOMAIN " + name + " AS " + base;
      break;
    }
    case TypeKind::kComposite: {
      sql = "CREATE TYPE " + name + " AS (";
      for (size_t i = 0; i < type.fields.size(); ++i) {
        ASSIGN_OR_RETURN(const std::string field, Sql(*type.fields[i].type, type.fields[i].typmod));
        sql += (i > 0 ? ", " : "") + QuoteIdentifier(type.fields[i].name) + " " + field;
      }
      sql += ")";
      break;
    }
    case TypeKind::kRange:
    case TypeKind::kMultirange: {
      // Made from a multirange alone only if the range was not there, so both get the server's usual names.
      const Type& range = type.kind == TypeKind::kMultirange && type.element->kind == TypeKind::kRange ? *type.element : type;
      if (&range != &type) return Error{ErrorKind::kNeedsOperator, fmt::format("multirange {} has another name on the replica", ShownName(type)), slu::kReplicaTypeDiffers};
      ASSIGN_OR_RETURN(const std::string subtype, Sql(SubtypeOf(type), -1));
      sql = "CREATE TYPE " + name + " AS RANGE (SUBTYPE = " + subtype + ")";
      break;
    }
    case TypeKind::kArray:
      return Ok();  // Comes with its element.
    case TypeKind::kBase:
      return Error{ErrorKind::kNeedsOperator,
                   fmt::format("type {} is written in C and belongs to no extension", ShownName(type)),
                   slu::kReplicaExtensionMissing};
  }
  RETURN_IF_ERROR(EnsureNamespace(connection_, type.name_space));
  const auto made = connection_.Execute(sql);
  return made.ok() ? Status() : made.error();
}

Status DestinationTypes::CompareExisting(const Type& type, Oid oid) {
  if (!type.extension.empty()) return Ok();
  const std::string id = std::to_string(oid);
  switch (type.kind) {
    case TypeKind::kEnum: {
      ASSIGN_OR_RETURN(const PgResult labels,
                       connection_.Execute("SELECT enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = $1::text::oid"
                                           " ORDER BY enumsortorder", {id}));
      bool same = static_cast<size_t>(PQntuples(labels.get())) == type.labels.size();
      for (size_t i = 0; same && i < type.labels.size(); ++i) same = Field(labels, static_cast<int>(i), 0) == type.labels[i];
      return same ? Status() : Differs(type, "its labels differ");
    }
    case TypeKind::kComposite: {
      ASSIGN_OR_RETURN(const PgResult fields,
                       connection_.Execute("SELECT a.attname, a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t"
                                           " ON t.typrelid = a.attrelid WHERE t.oid = $1::text::oid AND a.attnum > 0"
                                           " AND NOT a.attisdropped ORDER BY a.attnum", {id}));
      bool same = static_cast<size_t>(PQntuples(fields.get())) == type.fields.size();
      for (size_t i = 0; same && i < type.fields.size(); ++i) {
        ASSIGN_OR_RETURN(const Oid field, Resolve(*type.fields[i].type));
        same = Field(fields, static_cast<int>(i), 0) == type.fields[i].name && ParseOid(Field(fields, static_cast<int>(i), 1)) == field;
      }
      return same ? Status() : Differs(type, "its fields differ");
    }
    case TypeKind::kDomain: {
      ASSIGN_OR_RETURN(const std::string base,
                       connection_.QueryValue("SELECT typbasetype FROM pg_catalog.pg_type WHERE oid = $1::text::oid", {id}));
      ASSIGN_OR_RETURN(const Oid wanted, Resolve(*type.element));
      return ParseOid(base) == wanted ? Status() : Differs(type, "its base type differs");
    }
    case TypeKind::kRange: {
      ASSIGN_OR_RETURN(const PgResult range,
                       connection_.Execute("SELECT rngsubtype FROM pg_catalog.pg_range WHERE rngtypid = $1::text::oid", {id}));
      ASSIGN_OR_RETURN(const Oid wanted, Resolve(*type.element));
      return PQntuples(range.get()) == 1 && ParseOid(Field(range, 0, 0)) == wanted ? Status() : Differs(type, "its subtype differs");
    }
    case TypeKind::kMultirange:
    case TypeKind::kArray:
    case TypeKind::kBase:
      return Ok();
  }
  return Ok();
}

}  // namespace sluice
