#pragma once
// OIDs of built-in types, the same in every PostgreSQL. Source: pg_type.dat.

#include "change/type.h"

namespace sluice::pg {

inline constexpr Oid kBool = 16, kBytea = 17, kChar = 18, kName = 19, kInt8 = 20, kInt2 = 21, kInt2Vector = 22,
                     kInt4 = 23, kRegproc = 24, kText = 25, kOid = 26, kTid = 27, kXid = 28, kCid = 29, kOidVector = 30,
                     kJson = 114, kXml = 142, kPoint = 600, kLseg = 601, kPath = 602, kBox = 603, kPolygon = 604,
                     kLine = 628, kCidr = 650, kFloat4 = 700, kFloat8 = 701, kUnknown = 705, kCircle = 718,
                     kMacaddr8 = 774, kMoney = 790, kMacaddr = 829, kInet = 869, kBpchar = 1042, kVarchar = 1043,
                     kDate = 1082, kTime = 1083, kTimestamp = 1114, kTimestamptz = 1184, kInterval = 1186,
                     kTimetz = 1266, kBit = 1560, kVarbit = 1562, kNumeric = 1700, kRefcursor = 1790,
                     kRegprocedure = 2202, kRegoper = 2203, kRegoperator = 2204, kRegclass = 2205, kRegtype = 2206,
                     kUuid = 2950, kTxidSnapshot = 2970, kPgLsn = 3220, kTsvector = 3614, kTsquery = 3615,
                     kRegconfig = 3734, kRegdictionary = 3769, kJsonb = 3802, kJsonpath = 4072, kRegnamespace = 4089,
                     kRegrole = 4096, kRegcollation = 4191, kPgSnapshot = 5038, kXid8 = 5069;

}  // namespace sluice::pg
