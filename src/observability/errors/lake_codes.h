#pragma once
// Codes 4xxx: the lake: storage, catalog, files, commits. Never reused. Each has its entry in lake.cc.

namespace sluice::slu {

// Storage, catalog and table format: 4001 to 4049.
inline constexpr int kStorageLocation = 4001;
inline constexpr int kStoragePermission = 4002;
inline constexpr int kStorageNotFound = 4003;
inline constexpr int kStorageFull = 4004;
inline constexpr int kStorageFailed = 4005;
inline constexpr int kLakeFileCorrupt = 4010;
inline constexpr int kLakeFormatUnknown = 4011;
inline constexpr int kCatalogConflict = 4020;
inline constexpr int kCatalogUnknown = 4021;
inline constexpr int kCatalogFailed = 4022;
inline constexpr int kCatalogForeign = 4023;
inline constexpr int kCatalogNoNamespace = 4024;

}  // namespace sluice::slu
