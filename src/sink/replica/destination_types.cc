#include "sink/replica/destination_types.h"

#include <fmt/format.h>

#include <algorithm>
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
    // Not NULL for no modifier: bpchar and bit would be shown as character and bit, which mean a length of one.
    ASSIGN_OR_RETURN(sql, connection_.QueryValue("SELECT pg_catalog.format_type($1::text::oid, $2::text::int4)", {std::to_string(oid), std::to_string(std::max(typmod, -1))}));
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

// Rows with an old label are copied again before one with the new label comes, so a label that is extra does no harm.
Status DestinationTypes::FollowLabels(const Type& type, std::vector<std::string> labels) {
  const std::string alter = "ALTER TYPE " + QuoteName({type.name_space, type.name});
  const auto refused = [&](Error error) {
    if (error.kind == ErrorKind::kUnavailable) return error;
    Error differs = Differs(type, "its labels differ");
    differs.evidence = std::move(error.evidence);
    return differs;
  };
  const auto has = [](const std::vector<std::string>& list, const std::string& label) { return std::find(list.begin(), list.end(), label) != list.end(); };
  for (size_t i = 0; labels.size() == type.labels.size() && i < labels.size(); ++i) {
    if (labels[i] == type.labels[i] || has(labels, type.labels[i]) || has(type.labels, labels[i])) continue;
    const auto renamed = connection_.Execute(fmt::format("{} RENAME VALUE {} TO {}", alter, QuoteLiteral(labels[i]), QuoteLiteral(type.labels[i])));
    if (!renamed.ok()) return refused(renamed.error());
    labels[i] = type.labels[i];
  }
  // In the source's order, from the front: what stands before a label is there.
  for (size_t i = 0; i < type.labels.size(); ++i) {
    if (has(labels, type.labels[i])) continue;
    std::string place;
    if (i > 0) place = " AFTER " + QuoteLiteral(type.labels[i - 1]);
    else if (!labels.empty()) place = " BEFORE " + QuoteLiteral(labels.front());
    const auto added = connection_.Execute(fmt::format("{} ADD VALUE IF NOT EXISTS {}{}", alter, QuoteLiteral(type.labels[i]), place));
    if (!added.ok()) return refused(added.error());
    labels.push_back(type.labels[i]);
  }
  return Ok();
}

Status DestinationTypes::FollowFields(const Type& type, const std::vector<std::string>& present) {
  const std::string alter = "ALTER TYPE " + QuoteName({type.name_space, type.name});
  std::vector<std::string> wanted, statements;
  for (const CompositeField& field : type.fields) wanted.push_back(field.name);
  if (wanted == present) return Ok();
  std::vector<std::string> result;
  for (const std::string& name : present) {
    if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) result.push_back(name);
    else statements.push_back(fmt::format("{} DROP ATTRIBUTE {} CASCADE", alter, QuoteIdentifier(name)));
  }
  for (const CompositeField& field : type.fields) {
    if (std::find(present.begin(), present.end(), field.name) != present.end()) continue;
    ASSIGN_OR_RETURN(const std::string sql, Sql(*field.type, field.typmod));
    statements.push_back(fmt::format("{} ADD ATTRIBUTE {} {} CASCADE", alter, QuoteIdentifier(field.name), sql));
    result.push_back(field.name);
  }
  // Values are rows without names, so the order counts; a field that was renamed is not one that went and one that came.
  if (result != wanted || (statements.size() == 2 && present.size() == wanted.size())) return Differs(type, "its fields differ");
  for (const std::string& statement : statements) {
    const auto done = connection_.Execute(statement);
    if (!done.ok()) return done.error().kind == ErrorKind::kUnavailable ? done.error() : Differs(type, "its fields differ");
  }
  return Ok();
}

Status DestinationTypes::CompareExisting(const Type& type, Oid oid) {
  if (!type.extension.empty()) return Ok();
  const std::string id = std::to_string(oid);
  switch (type.kind) {
    case TypeKind::kEnum: {
      ASSIGN_OR_RETURN(const PgResult labels,
                       connection_.Execute("SELECT enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = $1::text::oid"
                                           " ORDER BY enumsortorder", {id}));
      std::vector<std::string> present;
      for (int i = 0; i < PQntuples(labels.get()); ++i) present.emplace_back(Field(labels, i, 0));
      return present == type.labels ? Status() : FollowLabels(type, std::move(present));
    }
    case TypeKind::kComposite: {
      ASSIGN_OR_RETURN(const PgResult fields,
                       connection_.Execute("SELECT a.attname, a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t"
                                           " ON t.typrelid = a.attrelid WHERE t.oid = $1::text::oid AND a.attnum > 0"
                                           " AND NOT a.attisdropped ORDER BY a.attnum", {id}));
      std::vector<std::string> present;
      for (int i = 0; i < PQntuples(fields.get()); ++i) {
        present.emplace_back(Field(fields, i, 0));
        const auto wanted = std::find_if(type.fields.begin(), type.fields.end(), [&](const CompositeField& one) { return one.name == present.back(); });
        if (wanted == type.fields.end()) continue;
        ASSIGN_OR_RETURN(const Oid field, Resolve(*wanted->type));
        if (ParseOid(Field(fields, i, 1)) != field) return Differs(type, fmt::format("its field {} is of another type", wanted->name));
      }
      return FollowFields(type, present);
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
