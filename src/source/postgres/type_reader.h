#pragma once

#include <map>
#include <vector>

#include "base/result.h"
#include "change/type.h"
#include "postgres/connection.h"

namespace sluice {

using TypesByOid = std::map<Oid, TypePtr>;

/// These types and all that they are made of. A type that does not exist is missing in the result.
Result<TypesByOid> ReadTypes(PgConnection& connection, const std::vector<Oid>& oids);

/// regclass and its like: their binary form is an OID, which means something only in its own database.
bool IsObjectReference(Oid type);

/// True if a binary stream would carry values of this type in a form that does not stand for itself, or would fail:
/// the server only looks whether the column's own type has a send function. Then the whole stream must be text.
bool BinaryStreamMisleads(const Type& type);

}  // namespace sluice
