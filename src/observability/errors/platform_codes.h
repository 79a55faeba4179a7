#pragma once
// Codes 9xxx: what is not ours: the general entry of each kind, the machine, the network. Never reused. Each has its entry in platform.cc.

namespace sluice::slu {

inline constexpr int kGeneralUnavailable = 9001, kGeneralConflict = 9002, kGeneralUnknown = 9003,
                     kGeneralOperator = 9004, kGeneralSourceLost = 9005, kGeneralCorrupt = 9006,
                     kGeneralCancelled = 9007;
inline constexpr int kNoServer = 9101;
inline constexpr int kFileSystem = 9102;
inline constexpr int kUsage = 9201;
inline constexpr int kUnknownCode = 9202;
inline constexpr int kNotConfirmed = 9203;
inline constexpr int kNoSuchSink = 9204;
inline constexpr int kServeAddress = 9301;      // An address to serve at is taken, or is none of this machine.
inline constexpr int kServeCertificate = 9302;

}  // namespace sluice::slu
