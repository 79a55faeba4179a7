#pragma once
// The source's types on the replica: found or made by name, since private OIDs differ between databases.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/type.h"
#include "postgres/connection.h"
#include "sink/replica/oid_translation.h"

namespace sluice {

class DestinationTypes {
 public:
  explicit DestinationTypes(PgConnection& connection) : connection_(connection) {}

  /// Makes the type and those it needs where they are missing, and labels and fields that it has got since or that have
  /// other names now. Inside a transaction of the caller, which must not use such a label.
  /// Error: kNeedsOperator (extension cannot be had; a type of that name holds other values).
  Status Ensure(const Type& type);

  /// Error: kNeedsOperator if there is no such type.
  Result<Oid> Resolve(const Type& type);

  /// As SQL writes it, e.g. numeric(10,2) or "app"."mood"[].
  Result<std::string> Sql(const Type& type, int32_t typmod);

  /// All private OIDs that values of this type can hold.
  Status AddTo(OidMap& map, const Type& type);

  void Forget() { found_.clear(); }

 private:
  Result<Oid> Find(const Type& type);
  Status Make(const Type& type);
  Status CompareExisting(const Type& type, Oid oid);
  Status FollowLabels(const Type& type, std::vector<std::string> labels);
  Status FollowFields(const Type& type, const std::vector<std::string>& present);

  PgConnection& connection_;
  std::map<std::pair<Oid, int32_t>, std::string> sql_;   ///< By destination OID and typmod.
  std::map<Oid, Oid> found_;   ///< Source OID → destination OID, private ones only.
};

}  // namespace sluice
