#pragma once
// Codes 7xxx: comparing source and sinks. Never reused. Each has its entry in verify.cc.

namespace sluice::slu {

inline constexpr int kVerifyDifferent = 7002;       // Rows differ between source and a sink.
inline constexpr int kVerifyNotStreaming = 7003;    // No moment to compare at: copying, retrying or ended.
inline constexpr int kVerifySnapshotLate = 7004;    // The source did not export a snapshot in time.
inline constexpr int kVerifyBusy = 7005;            // Another verification takes its cut.
inline constexpr int kVerifyNothingCopied = 7006;   // The initial copy was never made.
inline constexpr int kVerifyNoSuchTable = 7007;     // A glob matches no table.

inline constexpr int kRepairTooLate = 7008;         // The sink went on before its rows were there.
inline constexpr int kRepairRefused = 7009;         // A table's rows can't be put right one by one.

}  // namespace sluice::slu
