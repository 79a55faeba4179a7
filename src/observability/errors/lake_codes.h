#pragma once
// Codes 4xxx: the lake: storage, catalog, files, commits. Never reused. Each has its entry in lake.cc.

namespace sluice::slu {

// Storage, catalog and table format: 4001 to 4049.
inline constexpr int kStorageLocation = 4001;
inline constexpr int kStoragePermission = 4002;
inline constexpr int kStorageNotFound = 4003;
inline constexpr int kStorageFull = 4004;
inline constexpr int kStorageFailed = 4005;
inline constexpr int kStorageCredentials = 4006;
inline constexpr int kLakeFileCorrupt = 4010;
inline constexpr int kLakeFormatUnknown = 4011;
inline constexpr int kCatalogConflict = 4020;
inline constexpr int kCatalogUnknown = 4021;
inline constexpr int kCatalogFailed = 4022;
inline constexpr int kCatalogForeign = 4023;
inline constexpr int kCatalogNoNamespace = 4024;

// Tables and rows of the lake: 4101 to 4149.
inline constexpr int kLakeForeignTable = 4101;
inline constexpr int kLakePartition = 4104;
inline constexpr int kLakeSort = 4105;
inline constexpr int kLakeSchemaChanged = 4107;
inline constexpr int kLakeKeyValue = 4108;
inline constexpr int kLakeRowMissing = 4110;
inline constexpr int kLakeSetBack = 4111;
inline constexpr int kLakeColumnsForeign = 4112;
inline constexpr int kLakeFenced = 4120;
inline constexpr int kLakeIndexFile = 4121;
inline constexpr int kLakeMissing = 4130;
inline constexpr int kLakeNoTable = 4131;
inline constexpr int kLakeNoSnapshot = 4132;
inline constexpr int kLakeNoCut = 4133;

// A REST catalog: 4140 to 4149.
inline constexpr int kRestUnavailable = 4140;
inline constexpr int kRestCredentials = 4141;
inline constexpr int kRestForbidden = 4142;
inline constexpr int kRestAnswer = 4143;
inline constexpr int kRestRejected = 4144;
inline constexpr int kRestNoCommits = 4145;
inline constexpr int kRestLocation = 4146;
inline constexpr int kRestCertificate = 4147;
inline constexpr int kRestName = 4148;

// What is done to the lake by hand: 4150 to 4159.
inline constexpr int kLakeTagName = 4150;
inline constexpr int kLakeTagExists = 4151;
inline constexpr int kLakeNoTag = 4152;
inline constexpr int kLakeMomentExpired = 4153;
inline constexpr int kLakeTableNotFollowed = 4154;
inline constexpr int kLakeBusy = 4155;
inline constexpr int kLakeRolledBack = 4156;
inline constexpr int kLakeWorkEnded = 4157;

// Readers of the lake, and sluice sql: 4160 to 4169.
inline constexpr int kLakeReaderNames = 4160;
inline constexpr int kDuckDbMissing = 4161;
inline constexpr int kSqlFailed = 4162;
inline constexpr int kSqlRefused = 4163;
inline constexpr int kSqlStorage = 4164;

// A PostgreSQL from the lake: 4170 to 4179.
inline constexpr int kRestoreTable = 4170;
inline constexpr int kRestoreNotFollowed = 4171;
inline constexpr int kRestoreTarget = 4172;

}  // namespace sluice::slu
