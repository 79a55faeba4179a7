#pragma once
// Codes 3xxx: the replica: connection, tables, apply. Never reused. Each has its entry in replica.cc.

namespace sluice::slu {

inline constexpr int kReplicaNotWritable = 3001;
inline constexpr int kReplicaNamespaceDenied = 3002;
inline constexpr int kReplicaOtherShape = 3101;
inline constexpr int kReplicaForeignRows = 3102;
inline constexpr int kReplicaExtensionMissing = 3103;
inline constexpr int kReplicaTypeDiffers = 3104;
inline constexpr int kReplicaTableUndone = 3105;
inline constexpr int kReplicaRowMissing = 3110;
inline constexpr int kReplicaOtherSource = 3120;
inline constexpr int kReplicaIsSource = 3121;
inline constexpr int kReplicaFenced = 3122;
inline constexpr int kReplicaSchemaChanged = 3130;
inline constexpr int kReplicaPrivateObject = 3131;
inline constexpr int kReplicaRowConflict = 3201;
inline constexpr int kReplicaRowRefused = 3202;
inline constexpr int kReplicaValueRefused = 3203;

}  // namespace sluice::slu
