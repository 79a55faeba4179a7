#pragma once
// Codes 12xx: the map of a sink against the source's tables. Never reused. Each has its entry in mapping.cc.

namespace sluice::slu {

inline constexpr int kMappingNoSuchTable = 1201;
inline constexpr int kMappingNoSuchColumn = 1202;
inline constexpr int kMappingNameTaken = 1203;        // Two tables or columns to one name.
inline constexpr int kMappingKeyLost = 1204;          // A key that is left out, or masked by other than hash.
inline constexpr int kMappingMaskUnfit = 1205;
inline constexpr int kMappingFilterUnfit = 1206;
inline constexpr int kMappingFilterIdentity = 1207;   // A filter on a column that deletes do not tell.
inline constexpr int kMappingColumnUnguarded = 1208;  // A masked column was renamed on the source.
inline constexpr int kMappingValueNotSent = 1209;     // A row comes into the filter without its large values.
inline constexpr int kMappingValueMalformed = 1210;

}  // namespace sluice::slu
