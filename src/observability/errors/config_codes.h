#pragma once
// Codes 1xxx: the configuration file, the environment, secrets. Never reused. Each has its entry in config.cc.

namespace sluice::slu {

inline constexpr int kConfigNotFound = 1001;      // No file where we looked.
inline constexpr int kConfigUnreadable = 1002;
inline constexpr int kConfigMistakes = 1003;      // The file has mistakes; each has its own code.
inline constexpr int kConfigExists = 1004;        // init would overwrite.
inline constexpr int kSameDatabase = 1005;
inline constexpr int kYamlSyntax = 1101;
inline constexpr int kDuplicateKey = 1102;
inline constexpr int kYamlAlias = 1103;
inline constexpr int kUnknownField = 1104;
inline constexpr int kWrongType = 1105;
inline constexpr int kMissingField = 1106;
inline constexpr int kBadValue = 1107;
inline constexpr int kBadUnit = 1108;
inline constexpr int kOutOfRange = 1109;
inline constexpr int kYamlLimit = 1110;           // Too deep, too large, too many nodes.
inline constexpr int kUnknownName = 1111;         // A reference to something not declared.
inline constexpr int kConflictingFields = 1112;
inline constexpr int kNotSupported = 1113;        // Understood, but this version cannot do it.
inline constexpr int kBadOverride = 1114;         // -X path=value.
inline constexpr int kVariableUnset = 1121;
inline constexpr int kBadInterpolation = 1122;
inline constexpr int kSecretUnreadable = 1123;
inline constexpr int kPlainSecret = 1130;

}  // namespace sluice::slu
