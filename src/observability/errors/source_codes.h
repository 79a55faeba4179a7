#pragma once
// Codes 2xxx: the source: connection, slot, publication, tables. Never reused. Each has its entry in source.cc.

namespace sluice::slu {

inline constexpr int kSourceVersion = 2001;
inline constexpr int kSourceStandby = 2002;
inline constexpr int kSourceStopping = 2003;       // It shuts down; we let go so that it can.
inline constexpr int kPooler = 2009;
inline constexpr int kWalLevel = 2101;
inline constexpr int kSourcePrivilege = 2102;
inline constexpr int kSlotsExhausted = 2103;
inline constexpr int kNoTables = 2110;
inline constexpr int kNoIdentity = 2117;           // Publishing would make UPDATE and DELETE fail.
inline constexpr int kPublicationLock = 2118;      // ALTER PUBLICATION did not get its lock in time.
inline constexpr int kPublicationForeign = 2119;   // Filters, column lists, FOR ALL TABLES: not as we make it.
inline constexpr int kPublicationMissing = 2131;
inline constexpr int kSlotMissing = 2201;
inline constexpr int kSlotWait = 2202;             // An open transaction keeps the slot from being made.
inline constexpr int kSlotInUse = 2203;
inline constexpr int kSlotLost = 2204;
inline constexpr int kSlotAhead = 2205;
inline constexpr int kSlotForeign = 2206;          // Another plugin, database or kind.
inline constexpr int kSlotGivenUp = 2207;          // Dropped by us, since it kept more log than allowed.
inline constexpr int kStreamCorrupt = 2301;
inline constexpr int kSpillFailed = 2302;
inline constexpr int kSnapshotMismatch = 2401;
inline constexpr int kCopiedTableRewritten = 2402;  // TRUNCATE or a rewrite between snapshot and copy.

}  // namespace sluice::slu
